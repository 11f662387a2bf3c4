# SPDX-License-Identifier: BSD-3-Clause
"""What ``import fastconv`` costs, told by the modules that it loads and not by a clock."""

import json
import shutil
from pathlib import Path

from programs import linux, python

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


# ---- what does not load ------------------------------------------------------------------------

SUBINTERPRETERS = """
try:
    import _interpreters as interpreters        # from Python 3.13 on
except ImportError:
    import _xxsubinterpreters as interpreters
import fastconv
code = '''
try:
    import fastconv
except ImportError as error:
    print(error, type(error.__cause__).__name__, sep=chr(10), flush=True)
'''
interpreters.run_string(interpreters.create(), code)
"""


@linux
def test_a_subinterpreter_is_told_that_it_is_not_supported():
    message, cause = python("-c", SUBINTERPRETERS).splitlines()
    assert message.startswith("fastconv: subinterpreters are not supported (")
    assert cause == "ImportError"
    assert "compiled" not in message


IMPORT = """
import sys
sys.path.insert(0, sys.argv[1])
{before}
try:
    import fastconv
except ImportError as error:
    print(error)
"""


def test_what_is_missing_is_named(tmp_path):
    """No compiled extensions, or no NumPy."""
    package = Path(fastconv.__file__).parent
    bare = tmp_path / "fastconv"
    shutil.copytree(package, bare, ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    said = python("-P", "-c", IMPORT.format(before=""), tmp_path)
    assert said.startswith(f"fastconv: no compiled extensions in {bare} (")
    no_numpy = IMPORT.format(before='sys.modules["numpy"] = None')
    assert "compiled" not in python("-P", "-c", no_numpy, package.parent)
