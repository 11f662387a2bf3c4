# SPDX-License-Identifier: BSD-3-Clause
"""What ``import fastconv`` costs, told by the modules that it loads and not by a clock."""

import json
from pathlib import Path

from programs import python

import fastconv

# Modules of the standard library that the package may load, with what they load themselves.
STANDARD = ("__future__", "contextvars", "copy", "dataclasses", "functools", "inspect", "pathlib",
            "platform", "threading", "typing")  # fmt: skip
# The package's own that wait until they are used.
LATER = {"benchmarks", "cli", "__main__"}

SEEN = """
import json, sys
import numpy, {standard}
before = set(sys.modules)
import fastconv
{after}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
A_CALL = "fastconv.conv2d(numpy.ones((1, 1, 8, 8)), numpy.ones((1, 1, 3, 3)), padding='same')"


def loaded(after=""):
    words = SEEN.format(standard=", ".join(STANDARD), after=after)
    return json.loads(python("-c", words))


def test_import_loads_the_package_and_nothing_large():
    own = {name for name in loaded() if name.split(".")[0] == "fastconv"}
    others = set(loaded()) - own
    # Cython keeps what its modules share in modules of its own.
    assert all(name.startswith(("_cython_", "cython_runtime")) for name in others), others
    assert not LATER & {name.split(".")[1] for name in own if "." in name}


def test_a_call_loads_nothing_more():
    assert loaded(A_CALL) == loaded()


def test_each_module_waits_or_is_loaded():
    names = {path.stem for path in Path(fastconv.__file__).parent.glob("*.py")} - {"__init__"}
    names |= {path.parent.name for path in Path(fastconv.__file__).parent.glob("*/__init__.py")}
    now = {name.split(".")[1] for name in loaded() if name.startswith("fastconv.")}
    assert names - now == LATER & names
