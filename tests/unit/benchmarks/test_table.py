from benchmarks import table

_SPREAD = {"median": 1.0, "min": 0.5, "max": 2.0}
_DOCUMENT = {
    "rounds": 3,
    "seconds": {"farm": _SPREAD, "plain": _SPREAD, "plain_with_forwards": _SPREAD},
    "cpu_seconds": {"farm": _SPREAD, "plain": _SPREAD},
    "ratios": {"farm/plain": _SPREAD, "farm/plain_with_forwards": _SPREAD},
    "parts": {"start": _SPREAD},
    "nodes": {"pi4": {"connect": 0.1, "ask": 0.25, "open": 0.013}},
    "imports": {"asyncssh": 0.125, "farm": 0.25},
    "ssh_could_not_run": "no buildctl on the node",
}


def test_a_rival_that_could_not_run_is_named_with_the_reason() -> None:
    lines = list(table.overhead(_DOCUMENT))
    assert "(c) buildx over ssh:// could not be run: no buildctl on the node" in lines
    assert not any(line.startswith("(a) / (c)") for line in lines)


def test_numbers_stand_under_their_headings() -> None:
    lines = list(table.overhead(_DOCUMENT))
    heading, farm = lines[0], next(line for line in lines if line.startswith("(a) farm build"))
    assert len(heading) == len(farm)
    assert farm.split()[-3:] == ["1.000", "0.500", "2.000"]
    assert ["pi4", "0.100", "0.250", "0.013"] in [line.split() for line in lines]
    assert lines[-1] == "imports, 0.375 s while being measured: asyncssh 0.125, farm 0.250"


def test_a_long_build_shows_what_farm_adds_and_where() -> None:
    document = {"rounds": 1, "farm": _SPREAD, "slowest_node": _SPREAD, "ratio": _SPREAD, "parts": {"join": _SPREAD}}
    lines = [line.split() for line in table.long(document)]
    assert ["ratio,", "round", "by", "round", "1.000", "0.500", "2.000"] in lines
    assert lines[-1] == ["join", "1.000", "0.500", "2.000"]
