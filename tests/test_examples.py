# SPDX-License-Identifier: BSD-3-Clause
"""The examples run, and their pictures show what their captions say."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib import cbook
from PIL import Image
from scipy import ndimage

from fastconv import kernels

ROOT = Path(__file__).resolve().parent.parent
GALLERY = ROOT / "examples" / "gallery.py"
BORDERS = {"constant": "constant", "edge": "edge", "wrap": "wrap", "mirror": "reflect"}
BORDERS |= {"symmetric": "symmetric"}


# ---- the gallery -------------------------------------------------------------------------------


@pytest.fixture
def gallery():
    """The names of the script."""
    return runpy.run_path(str(GALLERY))


@pytest.fixture
def crop(tmp_path):
    """A file with a small part of the photograph, 37 x 41 pixels."""
    path = tmp_path / "crop.png"
    photograph = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    with Image.open(photograph) as opened:
        opened.crop((200, 150, 241, 187)).save(path)
    return path


def test_the_command_writes_both_pages(crop, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "new" / "folder"
    monkeypatch.setattr(sys, "argv", [str(GALLERY), str(crop), "-o", str(folder)])
    runpy.run_path(str(GALLERY), run_name="__main__")
    pages = [folder / "borders.png", folder / "kernels.png"]
    assert capsys.readouterr().out.split() == [str(page) for page in pages]
    for page in pages:
        with Image.open(page) as opened:
            assert opened.width == 1500
            assert len(opened.convert("RGB").getcolors(2**24)) > 100


def test_a_large_photograph_is_shrunk(gallery):
    path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    picture = gallery["read"](path)
    assert picture.shape[0] == 3
    assert max(picture.shape) == gallery["LONGEST"]
    assert picture.dtype == np.float32
    assert (picture.min(), picture.max()) == (0, 1)


def test_borders_are_those_of_numpy(gallery, crop):
    picture = gallery["read"](crop)
    panels = gallery["draw_borders"](picture).axes
    assert len(panels) == 2 * len(BORDERS)
    inner = panels[5].images[0].get_array().shape[0] - 2 * 4  # 6 pixels, 3 / 4 of them around
    assert inner == gallery["PIXELS"]
    for panel, (border, mode) in zip(panels, BORDERS.items(), strict=False):
        word, drawing = panel.get_title().split("\n")
        assert word == border
        shown = panel.images[0].get_array()
        margin = (shown.shape[0] - 37) // 2
        expected = np.pad(picture, [(0, 0), (margin, margin), (margin, margin)], mode)
        assert np.array_equal(shown, expected.transpose(1, 2, 0))
        cells = np.pad(np.array(list("abcd")), len(drawing) // 2 - 3, mode)
        assert drawing.replace("|", "") == "".join(cells)


def test_kernels_are_all_shown_and_as_they_answer(gallery, crop):
    picture = gallery["read"](crop)
    panels = gallery["draw_kernels"](picture).axes
    answers = {panel.get_title(): panel.images[0] for panel in panels}
    shown = {caption.split("(")[0] for caption in answers}
    assert shown >= set(kernels.__all__) - {"separate"}
    for caption, taps in (gallery["COLOUR"] | gallery["SIGNED"]).items():
        made = eval(caption, {"pi": np.pi} | vars(kernels))
        assert np.array_equal(made, taps), caption
    soft = [ndimage.correlate(plane, kernels.mean(9), mode="mirror") for plane in picture]
    got = answers["mean(9)"].get_array()
    np.testing.assert_allclose(got, np.stack(soft, axis=-1), atol=1e-6)
    grey = np.tensordot(gallery["GREY"], picture, 1)
    expected = ndimage.correlate(grey, kernels.scharr(0), mode="mirror")
    np.testing.assert_allclose(answers["scharr(axis=0)"].get_array(), expected, atol=1e-5)


def test_signed_answers_have_grey_in_the_middle_and_are_not_clipped(gallery, crop):
    panels = gallery["draw_kernels"](gallery["read"](crop)).axes
    answers = {panel.get_title(): panel.images[0] for panel in panels}
    for caption in gallery["SIGNED"]:
        low, high = answers[caption].get_clim()
        assert low == -high
        assert high == np.abs(answers[caption].get_array()).max()
