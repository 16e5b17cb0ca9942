"""The CONTEXT argument: a directory or a git URL, and in a directory its Dockerfile and what is left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from farm.errors import UsageError
from farm.sources import giturl, ignore
from farm.sources.giturl import GitUrl
from farm.sources.ignore import Ignore

_LARGEST = 8 * 1024 * 1024
_DEFAULT_NAMES = ("Dockerfile", "dockerfile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A directory that can be built: `text` is its Dockerfile's, `ignore_file` the file that `ignore` comes from."""

    directory: Path
    dockerfile: Path
    text: str
    ignore: Ignore
    ignore_file: Path | None


def classify(argument: str) -> Path | GitUrl:
    """Tell a directory from a git URL, as buildx does: what is a directory here is a directory.

    Raises UsageError for everything else, an archive and standard input among them.
    """
    if argument == "-":
        raise UsageError(
            "context - (standard input) cannot be sent to several nodes", fix="give a directory or a git URL"
        )
    if not argument:
        raise UsageError("the context is empty", fix="give a directory such as . or a git URL")
    path = Path(argument)
    if path.is_dir():
        return path.resolve()
    if not argument.startswith(("./", "../", "/")) and (url := giturl.parse(argument)):
        return url
    if path.exists():
        raise UsageError(f"context {argument} is a file, not a directory", fix="unpack an archive first")
    raise UsageError(f"context {argument}: there is no such directory", fix="give a directory or a git URL")


def read(
    directory: Path,
    dockerfile: str | None,
    *,
    start: Path,
    checkout: Path | None = None,
    inline: Path | None = None,
) -> Context:
    """Read the Dockerfile and the ignore file that belong to a context.

    `dockerfile` is what -f says, looked for from `start`: the current directory as buildx does, or for a git context
    that context, as BuildKit does. Outside a `checkout` nothing is read, whatever links it holds, but a Dockerfile that
    was given as a text and `written` to `inline`. Raises UsageError naming the place.
    """
    path = inline or _dockerfile(directory, dockerfile, start)
    if checkout and not inline:
        check_inside(path, checkout)
    text = _text(path)
    ignore_file = next(
        (file for file in (Path(f"{path}.dockerignore"), directory / ".dockerignore") if file.is_file()), None
    )
    if ignore_file and checkout:
        check_inside(ignore_file, checkout)
    patterns = ignore.parse(_text(ignore_file), str(ignore_file)) if ignore_file else Ignore()
    return Context(directory=directory, dockerfile=path, text=text, ignore=patterns, ignore_file=ignore_file)


def written(text: str, folder: Path) -> Path:
    """Write a Dockerfile that was given as a text: buildx reads files only, and that each node gets the same."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _DEFAULT_NAMES[0]
    path.write_text(text)
    return path


def check_inside(path: Path, root: Path) -> None:
    """Raise UsageError for a path that links lead out of a checkout: a stranger's repository may read nothing else."""
    if not path.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{path.name} in the repository leads out of it", fix="farm follows no such link")


def _dockerfile(directory: Path, option: str | None, start: Path) -> Path:
    if option is None:
        path = next((file for name in _DEFAULT_NAMES if (file := directory / name).is_file()), None)
        if path is None:
            raise UsageError(
                f"there is no Dockerfile in {directory}",
                fix="name it: --file of a build, `dockerfile` of an image or target",
            )
        return path
    if option == "-" or "://" in option:
        what = "from standard input" if option == "-" else "from a URL"
        raise UsageError(f"a Dockerfile {what} cannot be sent to several nodes", fix="save it to a file")
    path = start / option
    if not path.is_file():
        elsewhere = directory / option
        fix = "check -f/--file of the build, or `dockerfile` of the image or target"
        if elsewhere.is_file():
            fix = f"-f counts from the current directory: -f {elsewhere}"
        what = "is not a file" if path.exists() else "does not exist"
        raise UsageError(f"the Dockerfile {path} {what}", fix=fix)
    return path


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path} is larger than {_LARGEST // 2**20} MiB", fix="is it the right file?")
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", fix="check its permissions") from error
