"""Boards that run out of disk or memory in the middle of a step."""

from __future__ import annotations

from tests.faults.scene import ARM64, Scene, attempts

GROUP = "A board's disk and memory"


def test_a_disk_that_is_full(scene: Scene) -> None:
    scene.hazards.small_disk("z1", "48m")
    context = scene.project(
        'FROM @base\nRUN sh -c "dd if=/dev/zero of=/big bs=1M count=60; rm /big; echo @token >/made"\n'
    )
    # `rm` would hide the failure of `dd`.
    recipe = context.folder / "Dockerfile"
    recipe.write_text(recipe.read_text().replace("; rm", " && rm").replace("; echo", " && echo"))
    scene.strike()

    ended = scene.ends(scene.begin(context), context, "disk of the board full", code=0, within=30, noticed_within=15)

    assert {kind for node, kind in attempts(ended) if node == "z1"} == {"out_of_disk"}
    assert attempts(ended)[-1] == ("z2", None)


def test_a_disk_that_is_full_on_the_only_board(scene: Scene) -> None:
    scene.hazards.small_disk("z1", "48m")
    scene.inventory(nodes={"z2": {"platforms": [ARM64]}})
    context = scene.project("FROM @base\nRUN dd if=/dev/zero of=/big bs=1M count=60 # @token\n")
    scene.strike()

    fault = "disk full on the only board of a platform"
    ended = scene.ends(scene.begin(context), context, fault, code=6, within=40, noticed_within=15)

    assert {kind for _, kind in attempts(ended)} == {"out_of_disk"}
    assert "space" in ended.document["error"]["fix"]


# dd takes a buffer as large as its block, and writes all of it.
_EATS = 'FROM @base\nRUN sh -c "dd if=/dev/zero of=/dev/null bs=200M count=1 && echo @token >/made"\n'


def test_a_step_that_eats_more_memory_than_there_is(scene: Scene) -> None:
    scene.hazards.little_memory("z1", 100)
    context = scene.project(_EATS)
    scene.strike()

    fault = "memory limit (cgroup) under a step that eats memory"
    ended = scene.ends(scene.begin(context), context, fault, code=0, within=30, noticed_within=15)

    assert attempts(ended) == [("z1", "out_of_memory"), ("z1", "out_of_memory"), ("z2", None)]


def test_a_step_that_eats_the_memory_of_every_board(scene: Scene) -> None:
    scene.hazards.little_memory("z1", 100)
    scene.hazards.little_memory("z2", 100)
    context = scene.project(_EATS)
    scene.strike()

    fault = "the same on all boards of the platform"
    ended = scene.ends(scene.begin(context), context, fault, code=6, within=40, usable=("z1", "z2"))

    assert {node for node, _ in attempts(ended)} == {"z1", "z2"}
    assert {kind for _, kind in attempts(ended)} == {"out_of_memory"}
    assert "memory" in ended.document["error"]["details"][0]
