# SPDX-License-Identifier: BSD-3-Clause
"""The tests run on the installed package, not on a checkout without built extensions."""

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILT_IN_PLACE = any((ROOT / "fastconv" / "_core").glob(f"*{EXTENSION_SUFFIXES[0]}"))

if not BUILT_IN_PLACE:
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != ROOT]

os.environ["PYTHONSAFEPATH"] = "1"  # the same for the Python processes that tests start


@pytest.fixture(scope="module")
def poisoned():
    """Scratch memory comes as NaN, so that a number read before it is written shows."""
    from fastconv._core import scratch

    scratch.poison(True)
    yield
    scratch.poison(False)


@pytest.fixture
def run(capsys):
    """Runs a command and returns (exit code, stdout, stderr)."""
    from fastconv.cli.main import main

    def call(*words):
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def fails(run):
    """Runs a command that must end with exit code 2 and one line on stderr; returns that line."""

    def call(*words):
        code, _, err = run(*words)
        assert code == 2
        assert err.endswith("\n")
        assert err.count("\n") == 1
        return err

    return call
