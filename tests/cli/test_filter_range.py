# SPDX-License-Identifier: BSD-3-Clause
"""``fastconv filter --range``: how results become pixels, and what is said of it."""

import numpy as np
import pytest
from photographs import HEIGHT, WIDTH, close, filtered, photograph, saturated
from PIL import Image

from fastconv import kernels


def result_of(run, tmp_path, picture, *words):
    """The pixels that come out, and the line that is printed."""
    Image.fromarray(picture).save(tmp_path / "in.png")
    code, out, _ = run("filter", tmp_path / "in.png", "-o", tmp_path / "out.png", *words)
    assert code == 0
    return np.asarray(Image.open(tmp_path / "out.png")), out


@pytest.mark.parametrize(
    ("words", "way"),
    [
        ("mean", "clip"),
        ("gaussian", "clip"),
        ("sharpen --amount 100", "clip"),
        ("unsharp", "clip"),
        ("emboss", "clip"),
        ("sobel", "clip"),
        ("sobel --axis magnitude", "clip"),
        ("sobel --axis 1", "signed"),
        ("scharr --axis 0", "signed"),
        ("prewitt --axis 0", "signed"),
        ("laplacian", "signed"),
        ("laplacian --diagonal", "signed"),
        ("gabor", "signed"),
        ("gabor --psi 0", "signed"),
    ],
)
def test_automatic_ranges(run, tmp_path, words, way):
    picture = photograph(3)
    options = ("--kernel", *words.split())
    got, line = result_of(run, tmp_path, picture, *options)
    expected, _ = result_of(run, tmp_path, picture, *options, "--range", way)
    assert np.array_equal(got, expected)
    assert ("signed: 0 is grey 128, scaled by " in line) == (way == "signed")
    assert ("clipped" in line) == (way == "clip")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("axis", [0, 1])
def test_signed_results_have_grey_in_the_middle(run, tmp_path, axis, dtype):
    picture = photograph(1, dtype)[..., 0]
    words = ("--kernel", "prewitt", "--axis", axis)
    got, _ = result_of(run, tmp_path, picture, *words)
    exact = filtered(picture, kernels.prewitt(3, axis))
    middle = (np.iinfo(dtype).max + 1) // 2
    expected = middle + exact * (middle - 1) / np.abs(exact).max()
    assert close(got, saturated(expected, dtype))
    assert np.abs(got.astype(int) - middle).max() == middle - 1


def test_a_flat_picture_is_grey_where_the_kernel_sums_to_0(run, tmp_path):
    flat = np.full((HEIGHT, WIDTH), 77, np.uint8)
    got, _ = result_of(run, tmp_path, flat, "--kernel", "laplacian")
    assert (got == 128).all()


def test_a_range_of_two_numbers_is_a_line(run, tmp_path):
    picture = photograph(1)[..., 0]
    words = ("--kernel", "laplacian", "--range=-50:200")
    got, line = result_of(run, tmp_path, picture, *words)
    exact = (filtered(picture, kernels.laplacian()) + 50) * 255 / 250
    assert close(got, saturated(exact, np.uint8))
    share = 100 * ((np.rint(exact) < 0) | (np.rint(exact) > 255)).mean()
    assert f", -50 to 200 became 0 to 255, {share:.3g}% of the pixels clipped, " in line
    same, line = result_of(run, tmp_path, picture, *words[:1], "mean", "--size", 1)
    assert np.array_equal(same, picture)
    assert ", no pixel clipped, " in line


def test_a_pixel_counts_as_clipped_once(run, tmp_path):
    picture = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    picture[:, :1] = 200
    np.save(tmp_path / "two.npy", [[2.0]])
    words = ("--kernel", tmp_path / "two.npy")
    got, line = result_of(run, tmp_path, picture, *words)
    assert (got[:, 0] == 255).all()
    assert (got[:, 1:] == 200).all()
    assert f"{100 / WIDTH:.3g}% of the pixels clipped" in line
    picture[:] = 200
    picture[0, 0] = 100
    _, line = result_of(run, tmp_path, picture, *words)
    assert f", {100 - 100 / WIDTH / HEIGHT:.1f}% of the pixels clipped" in line
