# SPDX-License-Identifier: BSD-3-Clause
"""Tests that run a program of their own: what may end a process, or measures one."""

import os
import subprocess
import sys

import pytest

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
