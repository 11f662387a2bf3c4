# SPDX-License-Identifier: BSD-3-Clause
"""The child process: one rival, commands as JSON lines on stdin, answers on stdout.

    {"do": "case", "case": {...}, "folder": F, "limit": S}   prepare, call, check
    {"do": "turn", "fill": S}                                 one round: least, median s a call
    {"do": "series", "calls": N, "every": S}                  seconds of each of N calls
    {"do": "peak", "dtype": "f", "isa": I, "seconds": S}      FLOP/s (fastconv only)
    {"do": "copy", "size": B, "seconds": S}                   bytes/s (fastconv only)

Every answer has "ok"; where it is false, "reason" says why. The end of stdin ends the process.
"""

from __future__ import annotations

import gc
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from .base import Lacking, Rival
from .case import Case
from .rivals import EVERYONE

WARM_BELOW = 0.02  # seconds: a call shorter than this is called untimed before its round
GRAIN = 2e-5  # seconds: shorter calls are timed together, so that the clock does not count
WARM = 0.002  # seconds of such untimed calls
SPIN_LIMIT = 0.25  # seconds to wait for threads that spin after their work
TASKS = Path("/proc/self/task")


def spinning() -> bool:
    """Whether another thread of this process runs. (Its CPU time is only booked every tick.)"""
    states = []
    for task in TASKS.iterdir():
        with suppress(OSError):  # the thread has just ended
            states.append((task / "stat").read_text().rpartition(")")[2].split()[0])
    return states.count("R") > 1


def settle() -> None:
    """Wait until the threads of this process sleep, so that they disturb nobody's turn."""
    if not TASKS.is_dir():
        return time.sleep(0.03)
    end, quiet = time.perf_counter() + SPIN_LIMIT, 0
    while quiet < 3 and time.perf_counter() < end:
        quiet = 0 if spinning() else quiet + 1
        time.sleep(0.0003)


def timed(call: Callable[[], Any], repeat: int) -> float:
    """Seconds per call; each output is new and dropped before the next."""
    start = time.perf_counter()
    for _ in range(repeat):
        call()
    return (time.perf_counter() - start) / repeat


def error_of(y: np.ndarray, truth: np.ndarray) -> float:
    """The largest error, relative to the largest true output.

    It is above 0 where any bit differs from a truth of the same dtype, such as the sign of a zero.
    """
    if y.dtype != truth.dtype:
        return float(np.abs(y - truth).max() / np.abs(truth).max())
    if y.tobytes() == truth.tobytes():
        return 0.0
    wide = np.result_type(truth, np.float64)
    error = np.abs(y.astype(wide) - truth).max() / np.abs(truth.astype(wide)).max()
    return max(float(error), sys.float_info.min)


class Worker:
    def __init__(self, rival: Rival) -> None:
        self.rival = rival
        self.call: Callable[[], Any] = lambda: None
        self.seconds = 0.0

    def case(self, case: dict, folder: str, limit: float | None = None) -> dict:
        """Load the operands of the case, call once, compare with the truth, estimate the time."""
        self.call = lambda: None
        what = Case.from_dict(case)
        self.rival.check(what)
        names = ("y", "x", "w", "b", *(("residual",) if what.residual else ()))
        truth, x, w, b, *more = (np.load(Path(folder, f"{name}.npy")) for name in names)
        self.call = self.rival.build(what, x, w, b, math.inf if limit is None else limit, *more)
        y = self.rival.array(what, self.call())
        if y.shape != truth.shape:
            raise ValueError(f"output has shape {y.shape}, expected {truth.shape}")
        if y.dtype != what.kind.result:
            raise ValueError(f"output is {y.dtype}, expected {what.kind.result}")
        error, tolerance = error_of(y, truth), self.rival.tolerance(what)
        del x, w, b, more, y, truth
        self.seconds = timed(self.call, 1)
        if self.seconds < WARM_BELOW:
            self.seconds = min(timed(self.call, 1) for _ in range(3))
        settle()
        return {"error": error, "tolerance": tolerance, "seconds": self.seconds}

    def turn(self, fill: float) -> dict:
        """Call untimed first (caches, threads, clock rate), then timed for `fill` seconds.

        The calls are timed one by one: threads that were asleep are often woken on one core, and
        every few calls then wait a scheduler tick of some ms until they are moved apart. The
        least time is free of that, the median is not.
        """
        batch = max(1, math.ceil(GRAIN / max(self.seconds, 1e-9)))
        end = time.perf_counter() + WARM
        while self.seconds < WARM_BELOW and time.perf_counter() < end:
            timed(self.call, batch)
        times = [timed(self.call, batch)]
        end = time.perf_counter() + fill - times[0] * batch
        while time.perf_counter() < end:
            times.append(timed(self.call, batch))
        settle()
        return {"seconds": min(times), "median": statistics.median(times)}

    def series(self, calls: int, every: float = 0.0) -> dict:
        times = []
        self.call()
        for _ in range(calls):
            start = time.perf_counter()
            self.call()
            times.append(time.perf_counter() - start)
            if every > times[-1]:
                time.sleep(every - times[-1])
        settle()
        return {"times": times}

    def peak(self, dtype: str, isa: str | None, seconds: float) -> dict:
        peak = getattr(self.rival, "peak", None)
        if peak is None:
            raise Lacking("only fastconv measures the FMA peak")
        isa, flops = peak(dtype, isa, seconds)
        settle()
        return {"isa": isa, "flops": flops}

    def copy(self, size: int, seconds: float) -> dict:
        copy = getattr(self.rival, "copy", None)
        if copy is None:
            raise Lacking("only fastconv measures copies")
        rate = copy(size, seconds)
        settle()
        return {"rate": rate}


def answer(worker: Worker, command: dict) -> dict:
    """Run one command; whatever a rival throws becomes the reason of a blank cell."""
    verb = command.pop("do")
    try:
        return {"ok": True, **getattr(worker, verb)(**command)}
    except Lacking as reason:
        return {
            "ok": False,
            "lacking": True,
            "reason": str(reason),
            "estimate": reason.estimate,
        }
    except Exception as error:  # any library, any error
        text = " ".join(str(error).split())[:200]
        return {"ok": False, "reason": f"{type(error).__name__}: {text}"}


def main(name: str, threads: int) -> None:
    """Serve one rival until stdin ends."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not enter the protocol

    def send(message: dict) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    try:
        rival = EVERYONE[name](threads)
    except ImportError as error:
        reason = f"not installed: {error}; pip install {EVERYONE[name].package}"
        return send({"ok": False, "lacking": True, "reason": reason})
    except Exception as error:  # a library that is installed and broken
        return send({"ok": False, "reason": f"{type(error).__name__}: {error}"})
    send({"ok": True, "version": rival.version})
    worker = Worker(rival)
    gc.disable()
    for line in sys.stdin:
        send(answer(worker, json.loads(line)))
