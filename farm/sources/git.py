"""The one door to git: which refs a repository has, and one commit's files on the coordinator.

Every node then gets these very files, and needs neither git nor the repository's credentials. Nothing of a run is kept
for the next, so there is nothing that a killed run could leave broken.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from farm import folders
from farm.errors import UsageError
from farm.sources import context
from farm.sources import refs as refs_of
from farm.sources.git_command import PROTOCOLS, Git, environment
from farm.sources.git_errors import NoSuchRefError
from farm.sources.giturl import GitUrl
from farm.sources.refs import Refs

REFS_SECONDS = 30.0
"""For how long a server may take to tell its refs."""
_REFS_BYTES = 64 << 20
_SECONDS = re.compile(r"[0-9]{1,12}\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The files of one commit. `directory` is the context within `root`; whoever asked for it removes `root`.

    `committed` is the commit's time, in seconds since 1970.
    """

    root: Path
    directory: Path
    commit: str
    committed: int
    url: str
    ref: str | None


async def refs(
    url: GitUrl,
    *,
    seconds: float = REFS_SECONDS,
    protocols: Sequence[str] = PROTOCOLS,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Refs:
    """Ask for all branches and tags; nothing is fetched.

    `variables` are set for git besides the user's own, such as those of a proxy. Raises RefusedError (login, key,
    permission, no such repository), and UnreachableError also where there is no answer within `seconds`.
    """
    # Git would take settings from a repository around its directory: this is none, whatever is around it.
    variables = {**environment(url, protocols), **variables, "GIT_DIR": os.devnull}
    with tempfile.TemporaryDirectory(prefix="farm-refs-") as empty:
        git = Git(url=url, directory=Path(empty), environment=variables)
        listing = await git.run("ls-remote", "--symref", "--", url.remote, seconds=seconds, most=_REFS_BYTES)
    if len(listing.encode()) >= _REFS_BYTES:
        raise UsageError(f"{url.remote}: it has more refs than farm reads", fix="build a branch or tag by its name")
    return refs_of.parse(listing)


async def checkout(
    url: GitUrl,
    root: Path,
    *,
    protocols: Sequence[str] = PROTOCOLS,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Checkout:
    """Fetch exactly one commit into `root`, an empty or missing directory, and leave its files there.

    `variables` are set for git besides the user's own, such as those of a proxy.

    Modes follow no umask and every file bears the commit's time, so each run gives nodes the same. Raises UsageError
    (no such ref or subdirectory), RefusedError (login, key, permission), UnreachableError.
    """
    git = Git(url=url, directory=root, environment={**environment(url, protocols), **variables})
    await asyncio.to_thread(root.mkdir, parents=True, exist_ok=True, mode=0o700)
    await git.run("init", "--quiet", "--template=")
    await git.run("remote", "add", "origin", url.remote)
    await _fetch(git, url)
    commit = (await git.run("rev-parse", "--verify", "FETCH_HEAD^{commit}")).strip()
    if url.checksum and not commit.startswith(url.checksum):
        raise UsageError(f"{url}: the ref is commit {commit}, expected {url.checksum}", fix="has the ref moved?")
    await git.run("checkout", "--quiet", "--force", "--detach", commit)
    if url.with_submodules and (root / ".gitmodules").is_file():
        await git.run("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
    said = await git.run("show", "--no-patch", "--no-show-signature", "--format=%ct", commit)
    # git takes any commit whose author has written no date, or one that no file can bear.
    seconds = int(said) if _SECONDS.fullmatch(said) else 0
    try:
        await asyncio.to_thread(_tidy, root, seconds)
    except OSError as error:
        raise UsageError(f"{url}: its files cannot be laid out here: {error.strerror}") from error
    return within(
        Checkout(root=root, directory=root, commit=commit, committed=seconds, url=url.remote, ref=url.ref), url
    )


def within(found: Checkout, url: GitUrl) -> Checkout:
    """The same commit with the URL's own subdirectory for its context. Raises UsageError where it has none."""
    directory = found.root / url.subdirectory
    if not directory.is_dir():
        raise UsageError(
            f"{url}: commit {found.commit[:12]} has no directory {url.subdirectory}", fix="check what follows : "
        )
    context.check_inside(directory, found.root)
    return replace(found, directory=directory)


async def _fetch(git: Git, url: GitUrl) -> None:
    """A short name is a branch before it is a tag, as in BuildKit."""
    if url.ref is None or url.ref.startswith("refs/"):
        await _fetch_ref(git, url.ref or "HEAD")
        return
    if not url.is_commit:
        try:
            await _fetch_ref(git, f"refs/heads/{url.ref}")
        except NoSuchRefError:
            await _fetch_ref(git, f"refs/tags/{url.ref}")
        return
    try:
        await _fetch_ref(git, url.ref)
    except NoSuchRefError:
        # Not every server gives a commit by its number, not even that of an annotated tag.
        listing = await git.run("ls-remote", "origin", most=_REFS_BYTES)
        name = next((ref.name for ref in refs_of.parse(listing).refs if ref.commit == url.ref), None)
        if name is None:
            raise
        await _fetch_ref(git, name)


async def _fetch_ref(git: Git, ref: str) -> None:
    await git.run(
        "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--end-of-options", "origin", ref
    )


def _tidy(root: Path, seconds: int) -> None:
    """Take git's own files away and give all others one time: buildx sends unchanged files again otherwise.

    Raises OSError for a path that is longer than the system allows.
    """
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in list(entries):
                path = Path(entry.path)
                is_folder = entry.is_dir(follow_symlinks=False)
                if entry.name == ".git":
                    folders.remove(path) if is_folder else path.unlink()
                    continue
                if is_folder:
                    waiting.append(path)
                os.utime(path, (seconds, seconds), follow_symlinks=False)
