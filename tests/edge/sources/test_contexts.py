"""The contexts of one run: a repository is fetched once, however many targets are built from it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from farm.errors import UsageError
from farm.report.events import Event, Warned
from farm.sources.spec import Spec
from farm.workflow import prepare
from farm.workflow.contexts import Contexts
from farm.workflow.prepare import Source
from tests.edge.sources.repository import Daemon, Repository

pytestmark = pytest.mark.usefixtures("home")


async def _all(folder: Path, *specs: Spec) -> list[Source | BaseException]:
    async with Contexts(folder) as contexts:
        asked = (contexts.of(spec, lambda _event: None) for spec in specs)
        return await asyncio.gather(*asked, return_exceptions=True)


def _checkouts(folder: Path) -> int:
    return len([path for path in folder.iterdir() if "inline" not in path.name])


async def test_one_checkout_for_several_directories_and_dockerfiles(
    daemon: Daemon, repository: Repository, tmp_path: Path
) -> None:
    commit = repository.commit(one_Dockerfile="FROM a", two_Dockerfile="FROM b", two_Other="FROM c")
    url = f"{daemon.url}/repo#main"
    folder = tmp_path / "spool"
    found = await _all(
        folder,
        Spec(context=f"{url}:one"),
        Spec(context=f"{url}:two"),
        Spec(context=f"{url}:two", dockerfile="Other"),
        Spec(context=f"{url}:two"),
        Spec(context=url, dockerfile_inline="FROM d"),
        Spec(context=url, dockerfile_inline="FROM e"),
    )
    assert [source.context.text for source in found if isinstance(source, Source)] == [
        "FROM a",
        "FROM b",
        "FROM c",
        "FROM b",
        "FROM d",
        "FROM e",
    ]
    assert {source.commit for source in found if isinstance(source, Source)} == {commit}
    assert _checkouts(folder) == 1


async def test_another_ref_or_login_is_another_checkout(daemon: Daemon, repository: Repository, tmp_path: Path) -> None:
    repository.commit(Dockerfile="FROM a")
    repository.git("branch", "other")
    repository.commit(Dockerfile="FROM b")
    folder = tmp_path / "spool"
    one, two = await _all(folder, Spec(context=f"{daemon.url}/repo#main"), Spec(context=f"{daemon.url}/repo#other"))
    assert isinstance(one, Source)
    assert isinstance(two, Source)
    assert (one.context.text, two.context.text) == ("FROM b", "FROM a")
    assert _checkouts(folder) == 2


async def test_what_one_lacks_is_that_ones_fault_and_named_as_in_its_repository(
    daemon: Daemon, repository: Repository, tmp_path: Path
) -> None:
    repository.commit(one_Dockerfile="FROM a", empty_file="x")
    url = f"{daemon.url}/repo#main"
    one, empty, none = await _all(
        tmp_path / "spool",
        Spec(context=f"{url}:one"),
        Spec(context=f"{url}:empty"),
        Spec(context=f"{url}:none"),
    )
    assert isinstance(one, Source)
    assert isinstance(empty, UsageError)
    assert empty.what == f"there is no Dockerfile in {url}:empty"
    assert isinstance(none, UsageError)
    assert "has no directory none" in none.what


async def test_a_folder_is_looked_at_once_and_warned_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "LARGE_CONTEXT", 5)
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    told: list[Event] = []
    async with Contexts(tmp_path / "spool") as contexts:
        await asyncio.gather(*(contexts.of(Spec(context=str(tmp_path)), told.append) for _ in range(5)))
    assert [type(event) for event in told] == [Warned]


async def test_who_gives_up_takes_nothing_from_the_others(
    daemon: Daemon, repository: Repository, tmp_path: Path
) -> None:
    repository.commit(Dockerfile="FROM a")
    spec = Spec(context=f"{daemon.url}/repo#main")
    async with Contexts(tmp_path / "spool") as contexts:
        impatient = asyncio.create_task(contexts.of(spec, lambda _event: None))
        patient = asyncio.create_task(contexts.of(spec, lambda _event: None))
        await asyncio.sleep(0)
        impatient.cancel()
        assert (await patient).context.text == "FROM a"
