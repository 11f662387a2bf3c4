# SPDX-License-Identifier: BSD-3-Clause
"""Programs under ``fastconv patch``, and a process without SciPy."""

import os
import subprocess
import sys

import pytest
from programs import python

SCRIPT = """
import multiprocessing, sys
import numpy as np
from scipy import ndimage

def twice(x):
    return 2 * x

if __name__ == "__main__":
    print(__name__, __file__, *sys.argv, sys.path[0])
    assert sys.modules["__main__"].twice is twice
    assert "scipy.signal" not in sys.modules
    if "fails" in sys.argv:
        ndimage.correlate1d(np.ones(3), np.ones((3, 3)))
    sys.exit(5)
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def fastconv(folder, *words, **environ):
    """Run the command in a folder; returns its exit code, stdout and stderr."""
    changed = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    command = [sys.executable, "-m", "fastconv", *map(str, words)]
    done = subprocess.run(
        command, cwd=folder, env=changed | environ, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def test_a_script_runs_as_under_python(script, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    code, out, err = fastconv(elsewhere, "patch", "--status", script, "--help", "-m")
    assert code == 5
    assert out.split() == ["__main__", str(script), str(script), "--help", "-m", str(script.parent)]
    lines = [" ".join(line.split()) for line in err.splitlines()]
    assert lines[0].startswith("fastconv in SciPy ")
    assert lines[0].endswith(": installed for the process")
    assert lines[1] == "entry served handed over"


def test_a_traceback_is_that_of_the_script(script):
    code, _, err = fastconv(script.parent, "patch", script.name, "fails", FASTCONV_VERBOSE="1")
    assert code == 1
    trace, _, status = err.partition("fastconv in SciPy ")
    first, second = trace.splitlines()[:2]
    assert first == "Traceback (most recent call last):"
    assert second.startswith(f'  File "{script}", line 14, in <module>')
    assert trace.endswith("RuntimeError: no filter weights given\n")
    assert "installed for the process" in status


def test_a_module_runs(tmp_path):
    (tmp_path / "module.py").write_text("import sys; print(*sys.argv[1:]); raise KeyboardInterrupt")
    code, out, err = fastconv(tmp_path, "patch", "-m", "module", "a", "--b")
    assert (code, out) == (130, "a --b\n")
    assert err.endswith("KeyboardInterrupt\n")


def test_wrong_words_are_one_line(fails):
    assert "no script; name a file, or a module with -m" in fails("patch")


ALONE = """
import sys
sys.modules["scipy"] = None
import fastconv
from fastconv import patch
for load in (lambda: fastconv.ndimage, lambda: fastconv.signal, patch.install):
    try:
        load()
    except ImportError as error:
        print(error)
print(patch.status().scipy)
"""


def test_without_scipy_the_cure_is_said():
    cure = "needs SciPy: pip install 'fastconv[scipy]'"
    said = [f"fastconv.{name} {cure}" for name in ("ndimage", "signal", "patch")]
    assert python("-c", ALONE).splitlines() == [*said, "None"]


LATE = """
import sys
import numpy as np
from fastconv import patch
patch.install()
assert "scipy.ndimage" not in sys.modules and "scipy.signal" not in sys.modules
assert patch.status().entries["signal.rfftn"].reason == "not used so far"
from scipy import signal
signal.fftconvolve(np.ones((9, 9)), np.ones((3, 3)))
print(patch.status().entries["signal.rfftn"].served)
module = sys.modules["scipy.signal._signaltools"]
assert type(module.__spec__.loader).__name__ == type(module.__loader__).__name__
print(type(module.__loader__).__name__)
patch.uninstall()
from scipy import fft
assert module.sp_fft is fft
"""


def test_a_module_that_is_imported_later_is_patched():
    assert python("-c", LATE).split() == ["2", "SourceFileLoader"]


def test_ndimage_alone_does_not_load_signal():
    code = "import sys, fastconv.ndimage; print('scipy.signal' in sys.modules)"
    assert python("-c", code) == "False\n"
