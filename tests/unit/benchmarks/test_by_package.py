from benchmarks.inside import by_package

# As `python -X importtime` writes it, with a line of the program's own between.
_PRINTED = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |     asyncssh.misc
import time:       250 |        350 |   asyncssh
import time:      2000 |       2000 |   asyncio.tasks
{"event": "run_started"}
import time:        50 |       2400 | farm.nodes.ssh.connect
"""


def test_own_times_are_added_up_by_package_the_slowest_first() -> None:
    found = by_package(_PRINTED.splitlines())
    assert list(found.items()) == [("Python's own", 0.002), ("asyncssh", 0.00035), ("farm", 0.00005)]
