# SPDX-License-Identifier: BSD-3-Clause
"""How a call behaves on a machine that is not its own: a busy core, and pauses between calls."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from .case import Case
from .cases import CASES
from .measure import FILL, check, save_operands
from .process import Process
from .report import milliseconds

CALLS = 100
EVERY = 0.02  # seconds from the start of a call to the start of the next
RANGE = (0.005, 0.02)  # seconds: a layer long enough to be scheduled away, short enough to repeat
BURN = "import os, sys\nif hasattr(os, 'sched_setaffinity'):\n os.sched_setaffinity(0, {%d})\n"


@dataclass
class Contention:
    """Medians of `CALLS` calls in seconds: alone, beside busy cores, with pauses."""

    rival: str
    threads: int
    case: str
    idle: float
    busy: float
    paced: float

    @property
    def line(self) -> str:
        return (
            f"{self.rival}, {self.threads} threads, {self.case}: {milliseconds(self.idle)} ms; "
            f"beside a busy core {self.busy / self.idle:.2f}x, "
            f"every {EVERY * 1e3:.0f} ms {self.paced / self.idle:.2f}x"
        )

    def to_dict(self) -> dict:
        return asdict(self) | {
            "busy_ratio": self.busy / self.idle,
            "paced_ratio": self.paced / self.idle,
        }


def cores() -> list[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep half of the cores (at least one) busy with one pinned process each."""
    usable = cores()
    burners = [
        subprocess.Popen([sys.executable, "-c", BURN % core + "while True: pass"])
        for core in usable[: max(1, len(usable) // 2)]
    ]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def median(process: Process, every: float = 0.0) -> float:
    reply = process.ask("series", calls=CALLS, every=every)
    if not reply["ok"]:
        raise RuntimeError(reply["reason"])
    return statistics.median(reply["times"])


def choose(process: Process, folder: Path) -> Case | None:
    """Prepare the first case whose call takes a time within `RANGE`."""
    for case in CASES:
        if case.dtype == "float32" and case.flops >= 1e8:
            save_operands(case, folder)
            timing, seconds = check(process, case, folder, 1.0)
            if timing.reason is None:
                seconds = process.ask("turn", fill=FILL * 10).get("seconds", seconds)
                if RANGE[0] <= seconds <= RANGE[1]:
                    return case
    return None


def measure_contention(
    names: Sequence[str], threads: int, isa: str | None = None
) -> tuple[list[Contention], list[str]]:
    """Both benchmarks for each rival, one after the other; beside them, why one is missing."""
    found, missing = [], []
    for name in names:
        with Process(name, threads, isa) as process, tempfile.TemporaryDirectory() as folder:
            if not process.ready():
                missing.append(f"{name}: {process.reason}")
                continue
            case = choose(process, Path(folder))
            if case is None:
                missing.append(f"{name}: no case takes {RANGE[0]:g} to {RANGE[1]:g} s here")
                continue
            try:
                idle, paced = median(process), median(process, EVERY)
                with busy_cores():
                    busy = median(process)
            except RuntimeError as error:
                missing.append(f"{name}: {error}")
            else:
                found.append(Contention(name, threads, case.name, idle, busy, paced))
    return found, missing
