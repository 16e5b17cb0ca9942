"""A node whose disk its own build cache has filled."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.build import cache_bounds, locate, prune
from farm.build.cache_bounds import Cut
from farm.build.cache_records import Record
from farm.build.failures import Diagnosis, Kind, classify
from farm.build.prune import Cache, Pruned
from tests.edge.build import daemon
from tests.edge.build.small_farm import AMD64, Board, Run

BIG = "FROM BASE\nRUN head -c 40000000 /dev/zero >/big # {}\n"


@pytest.fixture
def small() -> Iterator[Board]:
    """A board with 90 MB for BuildKit."""
    with tempfile.TemporaryDirectory(prefix="farm-bk-") as folder:
        root = Path(folder) / "root"
        root.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=90m,mode=711", "tmpfs", root], check=True)
        # It unmounts what lies below its folder when it ends.
        with daemon.running(Path(folder)) as running:
            yield Board(node="small", socket=running.socket, daemon=running)


async def pruned(run: Run, board: Board) -> Pruned | Diagnosis:
    return await prune.prune(cache(run, board))


def cache(run: Run, board: Board) -> Cache:
    return Cache(
        buildx=locate.buildx(),
        config=run.place().config,
        endpoint=board,
        platforms=[AMD64],
        log=run.logs / "prune.log",
    )


async def test_what_does_not_fit_fits_once_the_cache_is_pruned(run: Run, small: Board) -> None:
    spec = run.spec(tags=())
    kinds = []
    for number in range(4):
        run.write(BIG.format(number))
        tried = await run.build(spec, run.place(), small, AMD64)
        kinds.append(tried.evidence and classify(tried.evidence).kind)
        if tried.evidence:
            break
    assert kinds[0] is None
    assert kinds[-1] is Kind.OUT_OF_DISK

    done = await pruned(run, small)
    for _ in range(3):
        # What the failed step wrote may still be there, and without a byte left BuildKit cannot note what it deletes:
        # a run asks again then, too (farm.workflow.tending).
        if isinstance(done, Diagnosis) and done.kind is Kind.OUT_OF_DISK:
            await asyncio.sleep(1)
            done = await pruned(run, small)

    assert isinstance(done, Pruned)
    assert done.freed
    assert done.freed.endswith("MB")
    assert float(done.freed.removesuffix("MB")) > 40
    assert (await run.build(spec, run.place(), small, AMD64)).evidence is None
    log = (run.logs / "prune.log").read_text()
    assert log.startswith("$ buildx prune --builder farm-prune-small --force\n")
    assert f"Total:\t{done.freed}" in log


async def test_an_empty_cache_frees_nothing(run: Run, small: Board) -> None:
    await pruned(run, small)
    assert await pruned(run, small) == Pruned(freed=None)


async def test_a_node_that_is_gone_cannot_be_pruned(run: Run, small: Board) -> None:
    small.daemon.kill()
    done = await pruned(run, small)
    assert isinstance(done, Diagnosis)
    assert "connection refused" in done.reason


async def cut_to(run: Run, board: Board, cut: Cut) -> int:
    done = await prune.prune(cache(run, board), cut=cut)
    assert isinstance(done, Pruned), done
    return done.size


async def lying(run: Run, board: Board) -> tuple[Record, ...]:
    found = await prune.usage(cache(run, board))
    assert not isinstance(found, Diagnosis), found
    return found


async def test_what_lies_there_is_known_and_what_goes_is_said_before(run: Run, small: Board) -> None:
    for number in range(3):
        run.write(f"FROM BASE\nRUN head -c 10000000 /dev/urandom >/big # {number}\n")
        assert (await run.build(run.spec(tags=()), run.place(), small, AMD64)).evidence is None
    records = await lying(run, small)
    there = cache_bounds.total(records)
    assert 30e6 < there < 60e6
    assert all(record.age < 120 for record in records)

    assert await cut_to(run, small, Cut(reason="", until=3600)) == 0
    keep = there - 15_000_000
    cut = Cut(reason="", keep=keep)
    assert cache_bounds.forecast(cut, records) == 15_000_000
    assert 15_000_000 <= await cut_to(run, small, cut) <= 25_000_000
    assert cache_bounds.total(await lying(run, small)) <= keep

    rest = await lying(run, small)
    expected = cache_bounds.forecast(cache_bounds.UNUSED, rest)
    assert await cut_to(run, small, cache_bounds.UNUSED) == pytest.approx(expected, rel=0.01)
    assert cache_bounds.forecast(cache_bounds.UNUSED, await lying(run, small)) == 0


async def test_what_a_build_uses_stays(run: Run, small: Board) -> None:
    run.write("FROM BASE\nRUN head -c 10000000 /dev/urandom >/big && sleep 4 && test -s /big\n")
    building = asyncio.create_task(run.build(run.spec(tags=()), run.place(), small, AMD64))
    await asyncio.sleep(2)
    await cut_to(run, small, Cut(reason="", all=True))
    assert (await building).evidence is None
