"""Plans one large workload in a process of its own, and says what that took: one JSON document."""

from __future__ import annotations

import json
import resource
import sys
import time

from benchmarks.schedule.workloads import workload
from farm.plan.schedule import schedule


def main(argv: list[str]) -> int:
    """`NODES JOBS SEED`: the seconds, and the most memory in bytes, the interpreter's and the workload's included."""
    nodes, jobs, seed = map(int, argv)
    work = workload(nodes, jobs, seed)
    began, cpu = time.perf_counter(), time.process_time()
    plan = schedule(work.jobs, work.seats, work.expect, alike=work.alike)
    document = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
        "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "ratio": plan.makespan / plan.bound,
    }
    print(json.dumps(document))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
