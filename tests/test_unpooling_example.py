# SPDX-License-Identifier: BSD-3-Clause
"""The pictures of pooling: they are written, and show what they say."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPT = Path(__file__).resolve().parent.parent / "examples" / "unpooling.py"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT))


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    return stop.value.code or 0


def test_both_pictures_are_written(monkeypatch, capsys, tmp_path):
    assert run(monkeypatch, "-o", tmp_path / "new") == 0
    assert capsys.readouterr().out.split() == [
        str(tmp_path / "new" / name) for name in ("unpooling.png", "sizes.png")
    ]
    for path in (tmp_path / "new").iterdir():
        with Image.open(path) as opened:
            assert len(opened.convert("RGB").getcolors(2**24)) > 1000


def test_an_error_is_one_line(monkeypatch, capsys, tmp_path):
    (tmp_path / "no.png").write_text("text")
    assert run(monkeypatch, "-o", tmp_path, tmp_path / "no.png") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_ways_back_keep_what_they_say(script):
    x = script["read"](None)
    found, k = script["unpooled"](x), script["WINDOW"]
    values = found["max_pool2d"]
    back = found["max_unpool2d"]
    assert (back[back > 0] == x[back > 0]).all()
    assert (back > 0).sum() == (values > 0).sum()
    np.testing.assert_array_equal(found["nearest_unpool2d"][:, 1::k, 2::k], values)
    np.testing.assert_array_equal(found["bed_of_nails_unpool2d"][:, ::k, ::k], values)


def test_sizes_go_down_and_up_again(script):
    x = script["read"](None)
    found = script["resized"](x)
    side, k = script["SIDE"], script["WINDOW"]
    assert {image.shape for image in found.values()} == {(3, side, side), (3, side // k, side // k)}
    np.testing.assert_array_equal(found["pixel_shuffle of 16"], x)
    small = found["avg_pool2d"]
    for mode in script["MODES"]:
        assert abs(found[mode].mean() - small.mean()) < 0.01
