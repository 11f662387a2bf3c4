# SPDX-License-Identifier: BSD-3-Clause
"""Scripts that use scikit-image give the same bytes when SciPy is patched."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "patched"
SMALL = ["--size", "151", "--repeats", "1"]
pytestmark = pytest.mark.peers


@pytest.fixture
def compare(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delenv("PYTHONSAFEPATH")  # scripts import the file beside them
    return runpy.run_path(str(FOLDER / "compare.py"))


def test_every_script_is_compared(compare):
    scripts = {path.stem for path in FOLDER.glob("*.py")} - {"compare", "measured"}
    assert compare["TITLES"].keys() == scripts


@pytest.mark.parametrize("name", ["canny", "bands", "similarity", "threshold", "vessels"])
def test_a_script_gives_the_same_bytes_and_its_calls_are_served(compare, name):
    _, plain = compare["run"](name, "plain", SMALL)
    _, patched = compare["run"](name, "patched", SMALL)
    assert plain == patched
    command = [sys.executable, "-m", "fastconv", "patch", "--status", str(FOLDER / f"{name}.py")]
    done = subprocess.run(
        [*command, *SMALL], capture_output=True, text=True, check=True, cwd=FOLDER
    )
    rows = re.findall(r"^ndimage\.\w+ +(\d+) +(\d+)", done.stderr, re.MULTILINE)
    assert sum(int(served) for served, _ in rows) > 0
    assert not any(int(handed_over) for _, handed_over in rows)


def test_other_bytes_are_found(compare, monkeypatch):
    monkeypatch.setitem(
        compare["compare"].__globals__, "run", lambda name, way, words: (1.0, f"{way}")
    )
    with pytest.raises(SystemExit, match=r"canny\.py gives other bytes with the patch"):
        compare["compare"](1)


def test_the_picture_and_the_table(compare, monkeypatch, capsys, tmp_path):
    file = tmp_path / "a.png"
    words = ["compare.py", "--rounds", "1", "--size", "151", "--picture", str(file)]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setitem(compare["main"].__globals__, "TITLES", {"canny": "Canny edges"})
    compare["main"]()
    said = capsys.readouterr().out
    assert re.search(r"^canny.py +[\d.]+ ms +[\d.]+ ms +[\d.]+$", said, re.MULTILINE)
    assert file.stat().st_size > 2000
