"""What a process costs: processor time to the nanosecond, memory as its share."""

import os
from pathlib import Path
import resource
import time

_CPUCLOCK_SCHED = 2


def process_cpu_s(pid: int) -> float:
    """Return user and system time of all threads of a running process, ended threads included."""
    # What clock_getcpuclockid(3) computes; Python has it for threads alone.
    return time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)


def own_cpu_s() -> float:
    """Return user and system time of this process so far."""
    return time.process_time()


def used_cpu_s(usage: resource.struct_rusage) -> float:
    """Return user and system time of a process that has ended."""
    return usage.ru_utime + usage.ru_stime


def memory_mb(pid: int) -> float:
    """Return a process's proportional share of memory in MB (10**6 bytes)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"process {pid} shows no memory")


def run_cpu_s(command: list[str]) -> tuple[float, bytes]:
    """Run a command to its end; return its processor time and what it wrote. Raises OSError if it failed."""
    reading, writing = os.pipe()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, writing, 1),
        (os.POSIX_SPAWN_CLOSE, reading),
    ]
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    os.close(writing)
    with os.fdopen(reading, "rb") as output:
        written = output.read()
    _, status, usage = os.wait4(pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise OSError(f"{command[0]} ended with {code}")
    return used_cpu_s(usage), written
