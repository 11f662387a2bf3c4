# SPDX-License-Identifier: BSD-3-Clause
"""Tests that run a program of their own: what may end a process, or measures one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")
sanitized = "libasan" in os.environ.get("LD_PRELOAD", "")  # see tools/sanitize
measures_memory = pytest.mark.skipif(sanitized, reason="the sanitizer takes memory of its own")


def python(*words, under=(), input=None, timeout=120, unset=(), **environ):
    """Run Python on these words, with changes to the environment; returns what it printed.

    `under`: the words of a program that runs it, such as valgrind's.
    """
    changed = {name: value for name, value in os.environ.items() if name not in unset}
    run = subprocess.run(
        [*under, sys.executable, "-X", "faulthandler", *map(str, words)],
        env=changed | environ, input=input, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip
    assert run.returncode == 0, f"status {run.returncode}\n{run.stdout}\n{run.stderr[-3000:]}"
    return run.stdout


def guarded(*words, program="guarded.py"):
    """Run guarded.py; returns which algorithms and orientations it has seen, and more."""
    path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    return python(HERE / program, *words, PYTHONPATH=path, timeout=300)


# ---- threads -----------------------------------------------------------------------------------

UNSET = ("OMP_NUM_THREADS", "FASTCONV_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT",
         "KMP_BLOCKTIME")  # fmt: skip
ALONE = {"OPENBLAS_NUM_THREADS": "1"}  # no other threads

# `part` sees from the time that each thread spent on a core which of them took part in a call.
PRELUDE = """
import os, sys, threading, time
import numpy as np, fastconv
from fastconv._plan.settings import default_threads

x = np.random.default_rng(1).standard_normal((1, 64, 30, 31), np.float32)
w = np.random.default_rng(2).standard_normal((48, 64, 3, 3), np.float32)
DEFAULT = default_threads()

def conv(**said):
    return fastconv.conv2d(x, w, padding=1, **said)

def on_core():
    times = {}
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/schedstat") as file:
            times[int(task)] = int(file.read().split()[0])
    return times

def part(function):
    "How many threads took part in a call."
    time.sleep(0.02)
    before = on_core()
    function()
    time.sleep(0.02)
    after = on_core()
    others = [task for task in after if task != threading.get_native_id()]
    return 1 + sum(after[task] > before.get(task, 0) for task in others)

right = conv(algorithm="reference")
def check(y):
    assert abs(y - right).max() < 1e-3
"""


def run(program, *words, timeout=120, **environ):
    return python("-c", PRELUDE + program, *words, timeout=timeout, unset=UNSET, **ALONE, **environ)
