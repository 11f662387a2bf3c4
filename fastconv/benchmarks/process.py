# SPDX-License-Identifier: BSD-3-Clause
"""The parent's handle on one worker process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

# The child loads this folder under another name: a rival's process must not import fastconv.
BOOT = """
import importlib.util as util, sys
folder, name, threads = sys.argv[1:]
spec = util.spec_from_file_location(
    "fastconv_benchmarks", folder + "/__init__.py", submodule_search_locations=[folder])
sys.modules[spec.name] = module = util.module_from_spec(spec)
spec.loader.exec_module(module)
from fastconv_benchmarks.worker import main
main(name, int(threads))
"""

# Settings of a shell, or of fastconv in this process, that would favour or slow somebody.
CLEARED = (
    "DNNL_", "FASTCONV_", "GOMP_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "OPENBLAS_", "TORCH_",
)  # fmt: skip


def environment(threads: int, isa: str | None = None) -> dict[str, str]:
    """The environment of a worker: no inherited thread settings, `threads` for everyone."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(CLEARED)}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        env[name] = str(threads)
    # OpenBLAS threads spin for 2^26 cycles after a product; 2^23 still bridges the next call
    env["OPENBLAS_THREAD_TIMEOUT"] = "23"
    env["ONEDNN_DEFAULT_FPMATH_MODE"] = "STRICT"
    if isa:
        env["FASTCONV_ISA"] = isa
    return env


class Process:
    """One rival in its own process. `reason` is set where it cannot be used (any more)."""

    def __init__(self, name: str, threads: int, isa: str | None = None) -> None:
        self.name = name
        self.reason: str | None = None
        self.version = ""
        self.child = subprocess.Popen(
            [sys.executable, "-P", "-c", BOOT, str(Path(__file__).parent), name, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(threads, isa),
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ready(self, timeout: float = 120.0) -> bool:
        """Wait for the import of the library; False if the rival is not there."""
        reply = self._receive(timeout)
        self.version = reply.get("version", "")
        if not reply["ok"]:
            self.reason = reply["reason"]
        return reply["ok"]

    def ask(self, do: str, timeout: float = 300.0, **arguments: object) -> dict:
        """Send one command and wait for its answer; never raises for what the rival does."""
        if self.reason is not None:
            return {"ok": False, "reason": self.reason}
        with suppress(OSError):  # the process may have ended: reading says how
            self.child.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self.child.stdin.flush()
        return self._receive(timeout)

    def _receive(self, timeout: float) -> dict:
        timer = threading.Timer(timeout, self.child.kill)
        timer.daemon = True  # Ctrl-C may come while it starts: then nothing waits for it
        try:
            timer.start()
            line = self.child.stdout.readline()
        finally:
            timer.cancel()
        if line:
            return json.loads(line)
        status = self.child.wait()
        # Ctrl-C goes to all processes, and an `except:` in an import may have caught ours.
        if status == -signal.SIGINT:
            raise KeyboardInterrupt
        self.reason = f"its process ended with status {status}"
        return {"ok": False, "reason": self.reason}

    def close(self) -> None:
        """End the process: first by the end of its input, then by force."""
        with suppress(OSError):
            self.child.stdin.close()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()
