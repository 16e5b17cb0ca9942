"""What `farm prune` reads from its options, and what it says and answers."""

from __future__ import annotations

from typing import Any

import pytest

from farm.build.cache_bounds import Bounds, Disk
from farm.cli import pruned_lines, run_prune
from farm.errors import Exit, RefusedError, UnreachableError, UsageError
from farm.inventory import Housekeeping
from farm.registry.client import NotAllowedError
from farm.workflow.prune import Pruned, Wanted, wanted
from farm.workflow.prune_nodes import NodePruned
from farm.workflow.prune_registry import RepositoryPruned
from farm.workflow.prune_runs import RunsPruned

AWAY = UnreachableError("z2 (z2.lan:22): no answer within 3 s", fix="is it on?", details=("a detail",))
NOT_ALLOWED = NotAllowedError("registry docker.io: it does not let images be deleted", fix="see its settings")
BEFORE = Disk(free=2 * 10**9, total=30 * 10**9, inodes_free=500, inodes_total=1000)
AFTER = Disk(free=5 * 10**9, total=30 * 10**9, inodes_free=900, inodes_total=1000)
DONE = Pruned(
    nodes=(
        NodePruned(node="pi4", freed=3 * 10**9, reasons=("unused for too long",), before=BEFORE, after=AFTER),
        NodePruned(node="z1", note="nothing to prune", before=BEFORE, after=BEFORE),
        NodePruned(node="z2", error=AWAY),
        NodePruned(node="z3", note="asleep; it is not woken for that"),
    ),
    repositories=(
        RepositoryPruned(repository="reg/app", digests=("sha256:1",)),
        RepositoryPruned(repository="docker.io", error=NOT_ALLOWED),
    ),
    runs=RunsPruned(runs=("a", "b"), freed=2 * 10**6, inodes=12),
)
GC = "; the registry's garbage collection frees the space"


def flags(**given: Any) -> dict[str, Any]:
    none = dict.fromkeys(("max_used_space", "min_free_space", "reserved_space"))
    return {"filters": (), "takes_all": False, **none, **given}


@pytest.mark.parametrize(
    ("given", "bounds"),
    [
        ({}, Bounds()),
        ({"filters": ("until=24h",)}, Bounds(age=86400)),
        ({"filters": ("unused-for=1h30m",)}, Bounds(age=5400)),
        (
            {"filters": ("until=2w", "type=regular", "id=a=b")},
            Bounds(age=14 * 86400, filters=("type=regular", "id=a=b")),
        ),
        ({"takes_all": True}, Bounds(all=True)),
        ({"max_used_space": 5, "reserved_space": 3}, Bounds(used=5, reserved=3)),
        ({"min_free_space": 5, "reserved_space": 3}, Bounds(free=5, reserved=3)),
        ({"reserved_space": 3}, Bounds(used=3, reserved=3)),
        ({"filters": ("until=1h",), "reserved_space": 3}, Bounds(age=3600, reserved=3)),
    ],
)
def test_options_are_read_as_buildx_reads_them(given: dict[str, Any], bounds: Bounds) -> None:
    assert run_prune.bounds(flags(**given)) == bounds


@pytest.mark.parametrize("text", ["until", "=x", "until=", "until=soon", "until=24", "until=1h x", "until=5ms"])
def test_filters_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        run_prune.bounds(flags(filters=(text,)))


def test_what_the_inventory_wants() -> None:
    said = Housekeeping(cache_age=1, cache_size=2, free_space=3, free_inodes=0.5, registry=True, keep_runs=4)
    assert wanted(said) == Wanted(caches=Bounds(age=1, used=2, free=3, inodes=0.5), registry=True, keep_runs=4)
    assert wanted(Housekeeping()).is_empty
    assert not wanted(Housekeeping(registry=True)).is_empty


def test_what_was_done_is_said_line_by_line() -> None:
    assert list(pruned_lines.lines(DONE, dry_run=False)) == [
        (
            (
                "pi4: freed 3.0 GB and 400 inodes (unused for too long);"
                " 5.0 GB of 30 GB and 90% of the inodes are now free"
            ),
            False,
        ),
        ("z1: nothing to prune; 2.0 GB of 30 GB and 50% of the inodes are now free", False),
        ("z2 (z2.lan:22): no answer within 3 s", True),
        ("  a detail", False),
        ("  fix: is it on?", False),
        ("z3: asleep; it is not woken for that", False),
        (f"reg/app: deleted 1 digest that no tag reaches{GC}", False),
        ("registry docker.io: it does not let images be deleted", True),
        ("  fix: see its settings", False),
        ("logs: freed 2.0 MB and 12 inodes (the logs of 2 old runs)", False),
    ]


def test_what_would_be_done_is_said_too() -> None:
    would = Pruned(
        nodes=(NodePruned(node="pi4", freed=3 * 10**9, reasons=("inodes are short", "more"), before=BEFORE),),
        repositories=(RepositoryPruned(repository="reg/app", digests=("sha256:1", "sha256:2"), error=AWAY),),
        runs=RunsPruned(),
    )
    assert [line for line, _ in pruned_lines.lines(would, dry_run=True)] == [
        "pi4: would free about 3.0 GB (inodes are short, more); 2.0 GB of 30 GB and 50% of the inodes are free",
        "reg/app: would delete 2 digests that no tag reaches",
        "z2 (z2.lan:22): no answer within 3 s",
        "  a detail",
        "  fix: is it on?",
        "logs: none is to go",
    ]


def test_scripts_get_the_same() -> None:
    document = pruned_lines.document(DONE, dry_run=False)
    assert (document["dry_run"], document["exit_code"]) == (False, 4)
    assert document["nodes"][0] == {
        "node": "pi4",
        "freed": 3 * 10**9,
        "inodes_freed": 400,
        "reasons": ["unused for too long"],
        "note": None,
        "before": {"free": 2 * 10**9, "total": 30 * 10**9, "inodes_free": 500, "inodes_total": 1000},
        "after": {"free": 5 * 10**9, "total": 30 * 10**9, "inodes_free": 900, "inodes_total": 1000},
        "error": None,
    }
    assert document["repositories"][0] == {"repository": "reg/app", "digests": ["sha256:1"], "error": None}
    assert document["runs"] == {"runs": ["a", "b"], "freed": 2 * 10**6, "inodes_freed": 12}
    assert pruned_lines.document(Pruned(), dry_run=True)["runs"] is None


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ((), Exit.DONE),
        ((NOT_ALLOWED,), Exit.DONE),
        ((AWAY, NOT_ALLOWED), Exit.UNREACHABLE),
        ((AWAY, RefusedError("no")), Exit.REFUSED),
    ],
)
def test_the_exit_code_is_that_of_the_worst_error(errors: tuple[UnreachableError, ...], code: Exit) -> None:
    repositories = tuple(RepositoryPruned(repository="r", error=error) for error in errors)
    nodes = tuple(NodePruned(node="n", error=error) for error in errors)
    assert Pruned(repositories=repositories).exit_code is code
    assert Pruned(nodes=nodes, repositories=repositories).exit_code is code
