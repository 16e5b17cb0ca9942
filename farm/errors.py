"""What can go wrong, as types: each carries one line of what, one of how to mend it, and its exit code."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every `farm` command; documented in the README and stable."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    NO_NATIVE_NODE = 3
    UNREACHABLE = 4
    REFUSED = 5
    BUILD_FAILED = 6
    JOIN_FAILED = 7
    VERIFICATION_FAILED = 8
    PARTIAL = 9
    FINDINGS = 10
    BUSY = 75
    INTERRUPTED = 130


class FarmError(Exception):
    """An error that farm understands.

    `what` is one line that names the thing and its place, `fix` one line that says how to mend it, and `details`
    further lines (what each node answered, the tail of a log). None of them ever holds a secret.
    """

    exit_code = Exit.UNEXPECTED

    def __init__(self, what: str, *, fix: str | None = None, details: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self.details = details


class UsageError(FarmError):
    """A flag, an inventory or a source that cannot be used as given."""

    exit_code = Exit.USAGE


class NoNativeNodeError(FarmError):
    """A platform that no reachable node can build natively."""

    exit_code = Exit.NO_NATIVE_NODE


class UnreachableError(FarmError):
    """A node or a registry that does not answer: worth another try later."""

    exit_code = Exit.UNREACHABLE


class SilentError(UnreachableError):
    """A node that gives no sign of life: it is off, asleep, frozen, still starting, or not in this network."""


class TurnedAwayError(UnreachableError):
    """A node that is there and hung up before the log-in was done, as a busy SSH server does: try again in a moment."""


class RefusedError(FarmError):
    """A key, a host key or a permission was refused: the same try gives the same answer."""

    exit_code = Exit.REFUSED


class HostKeyError(RefusedError):
    """A server whose host key is unknown, has changed, or is vouched for by nobody."""


class BuildFailedError(FarmError):
    """At least one platform could not be built."""

    exit_code = Exit.BUILD_FAILED


class JoinFailedError(FarmError):
    """Every platform was built but the joined image could not be written or pushed."""

    exit_code = Exit.JOIN_FAILED


class VerificationError(FarmError):
    """What the registry holds is not what was built: nothing is claimed."""

    exit_code = Exit.VERIFICATION_FAILED


class DependencyError(FarmError):
    """A target that was not built because one that it builds on failed; it ends with that one's exit code."""

    def __init__(self, name: str, cause: FarmError) -> None:
        super().__init__(f"{name}, which it builds on, failed")
        self.exit_code = cause.exit_code


class BusyError(FarmError):
    """Another run is at the same image: worth another try once that has ended."""

    exit_code = Exit.BUSY


class PostponedError(FarmError):
    """It was not begun, because the time for that was over: the next night begins with it."""

    exit_code = Exit.BUSY


class InterruptedRunError(FarmError):
    """The run was ended by a signal."""

    exit_code = Exit.INTERRUPTED
