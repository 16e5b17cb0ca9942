"""Images of the inventory made into targets: what each of them builds, from which commit, under which tags. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from farm.errors import FarmError, UsageError
from farm.inventory.images import Image
from farm.registry import reference
from farm.sources import choice, described, giturl, refs, releases, tags
from farm.sources.giturl import GitUrl
from farm.sources.origin import Origin
from farm.sources.refs import Ref, Refs
from farm.sources.spec import Output, Spec
from farm.sources.tags import Subject
from farm.sources.targets import Selection, Target

# What GitHub, GitLab, Forgejo and Gitea take for the user of a token.
_ANYBODY = "x-access-token"
# As long as a date, and none.
_NO_DAY = "00000000"


def place(image: Image, login: str | None = None) -> GitUrl | None:
    """The repository that an image is built from, None for a directory; `login` is what its secret holds.

    Raises UsageError, which names the image, for a URL that cannot be used.
    """
    try:
        url = None if image.context.startswith(("/", "./", "../")) else giturl.parse(image.context)
    except UsageError as error:
        raise of_image(image, error) from error
    if login is None:
        return url
    if url is None or not url.remote.startswith(("https://", "http://")):
        raise UsageError(
            f"images: {image.name}: login: is for repositories at https:// or http://",
            fix="leave it out; ssh takes the keys of your agent",
        )
    user, colon, token = login.partition(":")
    return replace(url, username=user if colon else _ANYBODY, password=token if colon else user)


def targets(image: Image, url: GitUrl | None, found: Refs | None, *, now: datetime) -> Selection:
    """What an image builds: one target for a directory, or one for each selected ref of the repository at `url`.

    `found` are its refs, None for a directory or where the URL names a commit. `now` dates the tags that bear a date.
    What is wrong with the image raises UsageError, what is wrong with one ref refuses that alone.
    """
    try:
        tags.check(image.tags)
        return _targets(image, url, found, now.astimezone(UTC).strftime("%Y%m%d"))
    except UsageError as error:
        raise of_image(image, error) from error


def _targets(image: Image, url: GitUrl | None, found: Refs | None, day: str) -> Selection:
    if url is None:
        if image.refs:
            raise UsageError(
                f"refs: needs a git repository, and {image.context} is a directory",
                fix="leave refs: out, or give a git URL as context:",
            )
        return Selection(targets=(_target(image, image.name, Subject(image=image.name, date=day), None),))
    wanted = _wanted(image, url, found)
    found = found or Refs(refs=())
    heads = releases.heads(ref.short for ref in refs.permitted(found, image.refs) if ref.is_tag)
    takes_latest = "default" in (image.tags or tags.DEFAULT_RULES) and any(ref.name == found.default for ref in wanted)
    first = {ref.commit: ref for ref in reversed(wanted)}
    made: list[Target] = []
    refused: dict[str, FarmError] = {}
    for ref, name in _names(image, wanted).items():
        subject = Subject(
            image=image.name,
            date=day,
            ref=ref,
            names_commit=first[ref.commit] is ref,
            is_default=bool(ref.name) and ref.name == found.default,
            default_takes_latest=takes_latest,
            heads=heads,
        )
        try:
            made.append(_target(image, name, subject, url))
        except UsageError as error:
            refused[name] = of_image(image, error)
    return Selection(targets=tuple(made), refused=refused)


def of_image(image: Image, error: FarmError) -> FarmError:
    """The same error, which names the image."""
    return type(error)(f"images: {image.name}: {error.what}", fix=error.fix, details=error.details)


def _wanted(image: Image, url: GitUrl, found: Refs | None) -> tuple[Ref, ...]:
    if url.ref and image.refs:
        raise UsageError(f"the context names {url.ref} and there is refs: too", fix="leave one of them out")
    if image.refs:
        return refs.selected(found or Refs(refs=()), image.refs)
    if url.ref and url.is_commit:
        return (Ref(name="", commit=url.ref),)
    found = found or Refs(refs=())
    ref = found.named(url.ref) if url.ref else refs.selected(found, ("HEAD",))[0]
    if ref is None:
        raise UsageError(f"{url.remote} has no branch or tag {url.ref}", fix="check what follows # in context:")
    if not ref.commit.startswith(url.checksum):
        raise UsageError(
            f"{url.remote}: {ref.short} is commit {ref.commit[:12]}, expected {url.checksum}", fix="has it moved?"
        )
    return (ref,)


def _names(image: Image, wanted: tuple[Ref, ...]) -> dict[Ref, str]:
    """`app`, or `app@v1.2.3` where refs are selected; a branch and a tag of one name are told apart."""
    if not image.refs:
        return dict.fromkeys(wanted, image.name)
    shorts = [ref.short for ref in wanted]
    return {
        ref: f"{image.name}@{ref.short if shorts.count(ref.short) == 1 else ref.name.removeprefix('refs/')}"
        for ref in wanted
    }


def _target(image: Image, name: str, subject: Subject, url: GitUrl | None) -> Target:
    found = tags.of(image.tags, subject) if image.references else ()
    lasting = tags.of(image.tags, replace(subject, date=_NO_DAY)) if image.references else ()
    pushed = tuple(f"{repository}:{tag}" for repository in image.references for tag in found)
    dated = tuple(f"{repository}:{tag}" for repository in image.references for tag in found if tag not in lasting)
    for text in pushed:
        reference.parse(text)
    origin = _origin(image, subject, url)
    return Target(
        name=name,
        spec=described.named(
            Spec(
                context=_context(url, subject.ref) if url and subject.ref else image.context,
                tags=pushed,
                dockerfile=image.dockerfile,
                platforms=image.platforms,
                target=image.target,
                build_args=_pairs(image.args),
                build_contexts=_pairs(image.contexts),
                secrets=image.secrets,
                ssh=image.ssh,
                labels=_pairs(image.labels),
                output=Output(type="registry" if pushed else "cacheonly"),
            ),
            origin,
        ),
        needs=choice.needs(image),
        priority=image.priority,
        timeout=image.timeout,
        memory=image.memory,
        cache=image.cache,
        origin=origin,
        dated=dated,
    )


def _origin(image: Image, subject: Subject, url: GitUrl | None) -> Origin:
    ref, release = subject.ref, subject.release
    if ref is None or url is None:
        return Origin(title=image.name)
    return Origin(
        title=image.name,
        source=_source(url),
        revision=ref.commit,
        ref=ref.name or None,
        version=str(release) if release else ref.short or None,
    )


def _context(url: GitUrl, ref: Ref) -> str:
    """One commit of the repository, with the login that `giturl.parse` takes out again."""
    scheme, mark, rest = url.remote.partition("://")
    if url.username or url.password:
        rest = f"{quote(url.username, safe='')}:{quote(url.password, safe='')}@{rest}"
    query = "" if url.with_submodules else "?submodules=false"
    folder = f":{url.subdirectory}" if url.subdirectory else ""
    return f"{scheme}{mark}{rest}{query}#{ref.commit}{folder}"


def _source(url: GitUrl) -> str:
    """Where people find the sources: the page of a repository, at those who have pages, is its URL without .git."""
    return url.remote.removesuffix(".git") if url.remote.startswith(("https://", "http://")) else url.remote


def _pairs(values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in values.items())
