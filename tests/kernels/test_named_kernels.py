# SPDX-License-Identifier: BSD-3-Clause
"""The named kernels: tables of OpenCV 5.0, formulas, sums, symmetry."""

import doctest
import inspect
import math

import numpy as np
import pytest
from scipy import ndimage, signal

import fastconv
from fastconv.kernels import named, separation

NAMES = [name for name in fastconv.kernels.__all__ if name != "separate"]
# Odd sizes of each kernel that has a size, and the sum of its taps.
SIZED = {"mean": 1, "gaussian": 1, "unsharp": 1, "sharpen": 1, "emboss": 1}
SIZED |= {"sobel": 0, "prewitt": 0, "laplacian": 0}
# Smoothing and derivatives of getDerivKernels(d, 0, size).
SMOOTH = {3: (1, 2, 1), 5: (1, 4, 6, 4, 1), 7: (1, 6, 15, 20, 15, 6, 1)}
FIRST = {3: (-1, 0, 1), 5: (-1, -2, 0, 2, 1), 7: (-1, -4, -5, 0, 5, 4, 1)}
SECOND = {5: (1, 0, -2, 0, 1), 7: (1, 2, -1, -4, -1, 2, 1)}


def make(name, *values, **said):
    return getattr(fastconv.kernels, name)(*values, **said)


def offsets(n):
    return np.arange(n) - (n - 1) / 2


def answer(taps, picture):
    """What the kernel gives in the middle of picture(x, y)."""
    y, x = (offsets(n) for n in taps.shape)
    return np.sum(taps * picture(x, y[:, None]))


# ---- all of them -------------------------------------------------------------------------------


def test_they_are_an_attribute_of_the_package():
    assert "kernels" in fastconv.__all__
    assert fastconv.kernels.sobel is named.sobel
    assert fastconv.kernels.separate is separation.separate


@pytest.mark.parametrize("name", NAMES)
def test_float64_in_two_dimensions_anew_each_time(name):
    taps = make(name)
    assert taps.dtype == np.float64
    assert taps.ndim == 2
    assert taps.flags.c_contiguous
    taps[:] = 9
    assert make(name).max() != 9


@pytest.mark.parametrize("size", [3, 5, 7, 31])
@pytest.mark.parametrize("name", SIZED)
def test_shapes_and_sums(name, size):
    taps = make(name, np.int64(size))
    assert taps.shape == (size, size)
    assert taps.sum() == pytest.approx(SIZED[name], abs=1e-12 * np.abs(taps).sum())


@pytest.mark.parametrize("name", ["mean", "gaussian", "gabor", "unsharp"])
def test_one_size_per_axis(name):
    assert make(name, (3, 5)).shape == (3, 5)
    if name != "unsharp":
        assert make(name, [4, 1]).shape == (4, 1)


@pytest.mark.parametrize("size", [1, 2, 3, 8, 9])
@pytest.mark.parametrize("name", ["mean", "gaussian", "laplacian", "sharpen", "unsharp"])
def test_round_kernels_look_alike_from_every_side(name, size):
    if name in ("laplacian", "sharpen", "unsharp"):
        size = 2 * size + 1
    taps = make(name, size)
    for turned in (taps[::-1], taps[:, ::-1], taps.T):
        np.testing.assert_allclose(turned, taps, rtol=1e-14)


@pytest.mark.parametrize("size", [3, 5, 7])
@pytest.mark.parametrize("name", ["sobel", "scharr", "prewitt"])
def test_derivatives_are_odd_along_their_axis_and_even_along_the_other(name, size):
    said = {} if name == "scharr" else {"size": size}
    for axis in (0, 1, -1):
        taps = make(name, **said, axis=axis)
        assert taps.flags.c_contiguous
        assert np.array_equal(np.flip(taps, axis), -taps)
        assert np.array_equal(np.flip(taps, axis - 1), taps)
        assert np.take(taps, -1, axis).min() > 0


@pytest.mark.parametrize("module", [named, separation])
def test_doctests(module):
    result = doctest.testmod(module)
    assert result.attempted > 2
    assert not result.failed


@pytest.mark.parametrize("name", fastconv.kernels.__all__)
def test_each_shows_an_example_and_tells_its_arguments(name):
    function = getattr(fastconv.kernels, name)
    assert ">>> " in function.__doc__
    assert "Raises TypeError or" in " ".join(function.__doc__.split())
    told = [line.strip() for line in function.__doc__.splitlines()]
    assert all(argument in told for argument in inspect.signature(function).parameters)


# ---- each of them ------------------------------------------------------------------------------


def test_mean():
    assert np.array_equal(make("mean", (2, 3)), np.full((2, 3), 1 / 6))


def test_gaussian_of_opencv():
    """getGaussianKernel(3, 0.7) and (5, 1.5)."""
    column = [0.209453608559564, 0.581092782880872, 0.209453608559564]
    row = [0.12007838424321347, 0.2338807565853503, 0.2920817183428724, 0.2338807565853503]
    row.append(row[0])
    taps = make("gaussian", (3, 5), (0.7, 1.5))
    np.testing.assert_allclose(taps, np.outer(column, row), rtol=1e-13)


def test_gaussian_is_the_formula():
    taps = make("gaussian", (6, 9), (0.8, 2.5))
    y, x = offsets(6)[:, None], offsets(9)
    expected = np.exp(-(x**2) / (2 * 2.5**2) - y**2 / (2 * 0.8**2))
    np.testing.assert_allclose(taps, expected / expected.sum(), rtol=1e-13)
    window = signal.windows.gaussian(9, 2.5)
    np.testing.assert_allclose(taps.sum(axis=0), window / window.sum(), rtol=1e-13)


@pytest.mark.parametrize(
    ("sigma", "said"),
    [
        (1.0, {}),
        ((0.4, 2.1), {}),
        (0.375, {}),  # 4 sigma + 0.5 is 2
        (1.5, {"truncate": 3.0}),
        (2.3, {"truncate": 0.7}),
        ((0.1, 3.7), {"truncate": 2.5}),
        (1.0, {"truncate": 0}),
    ],
    ids=str,
)
def test_gaussian_without_a_size_is_that_of_scipy(sigma, said):
    taps = make("gaussian", sigma=sigma, **said)
    middle = 43
    picture = np.zeros((2 * middle + 1,) * 2)
    picture[middle, middle] = 1
    blurred = ndimage.gaussian_filter(picture, sigma, mode="constant", **said)
    height, width = (n // 2 for n in taps.shape)
    inside = (
        slice(middle - height, middle + height + 1),
        slice(middle - width, middle + width + 1),
    )
    np.testing.assert_allclose(taps, blurred[inside], rtol=1e-13, atol=1e-300)
    assert (blurred[inside] != 0).all()
    blurred[inside] = 0
    assert not blurred.any(), "scipy's reaches as far"


def test_unsharp_without_a_size_reaches_as_far_as_gaussian():
    said = {"sigma": (0.9, 2), "truncate": 1.7}
    same = np.pad([[1.0]], [(2, 2), (3, 3)])
    np.testing.assert_allclose(make("unsharp", **said), 2 * same - make("gaussian", **said))


@pytest.mark.parametrize("sigma", [1e-3, 1e-200, 5e-324])
def test_a_tiny_sigma_leaves_the_middle(sigma):
    assert np.array_equal(make("gaussian", 5, sigma), np.pad([[1.0]], 2))
    assert np.array_equal(make("gaussian", (1, 4), sigma), [[0, 0.5, 0.5, 0]])


@pytest.mark.parametrize("size", [3, 5, 7])
def test_sobel_of_opencv(size):
    assert np.array_equal(make("sobel", size), np.outer(SMOOTH[size], FIRST[size]))
    assert np.array_equal(make("sobel", size, 0), np.outer(FIRST[size], SMOOTH[size]))


@pytest.mark.parametrize("size", [3, 9, 31])
def test_derivatives_of_a_plane_and_a_parabola(size):
    def plane(x, y):
        return 3 * x + 5 * y + 7

    assert answer(make("sobel", size), plane) == 3 * 2 * 4 ** (size - 2)
    assert answer(make("sobel", size, 0), plane) == 5 * 2 * 4 ** (size - 2)
    unit = size**2 * (size**2 - 1) / 12
    assert answer(make("prewitt", size), plane) == pytest.approx(3 * unit)
    assert answer(make("prewitt", size, 0), plane) == pytest.approx(5 * unit)
    bowl = answer(make("laplacian", size), lambda x, y: (x**2 + y**2) / 2)
    assert bowl == (2 if size == 3 else 2 * 4 ** (size - 2))
    sharp = answer(make("sharpen", size, 0.5), lambda x, y: (x**2 + y**2) / 2)
    assert sharp == pytest.approx(-1)


def test_small_derivatives():
    assert np.array_equal(make("scharr"), [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]])
    assert np.array_equal(make("prewitt", 5, 0), np.outer((-2, -1, 0, 1, 2), np.ones(5)))
    assert np.array_equal(make("laplacian"), [[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    eight = make("laplacian", diagonal=True)
    assert np.array_equal(eight, [[1, 1, 1], [1, -8, 1], [1, 1, 1]])
    assert answer(eight, lambda x, y: (x**2 + y**2) / 2) == 6


@pytest.mark.parametrize("size", [5, 7])
def test_laplacian_of_opencv(size):
    across = np.outer(SMOOTH[size], SECOND[size])
    assert np.array_equal(make("laplacian", size), across + across.T)


def test_sharpen():
    assert np.array_equal(make("sharpen"), [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    assert np.array_equal(make("sharpen", 5, 2), np.pad([[1]], 2) - make("laplacian", 5) / 32)


def test_unsharp():
    same = np.pad([[1.0]], 4)
    blur = make("gaussian", sigma=0.9)
    np.testing.assert_allclose(make("unsharp", sigma=0.9, amount=0), same, atol=1e-16)
    np.testing.assert_allclose(make("unsharp", sigma=0.9, amount=-1), blur, atol=1e-16)
    np.testing.assert_allclose(make("unsharp", sigma=0.9, amount=3), 4 * same - 3 * blur)
    assert make("unsharp", sigma=(0.5, 2)).shape == (5, 17)


def test_emboss():
    np.testing.assert_allclose(make("emboss"), [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], atol=1e-15)
    down = make("emboss", angle=math.pi / 2)
    np.testing.assert_allclose(down, [[-1, -1, -1], [0, 1, 0], [1, 1, 1]], atol=1e-15)
    same = np.pad([[1.0]], 2)
    left = make("emboss", 5, math.pi) - same
    np.testing.assert_allclose(left, -make("emboss", 5, 0) + same, atol=1e-15)
    for size in (3, 5, 9):
        slope = answer(make("emboss", size, 0.3), lambda x, y: x)
        assert slope == pytest.approx(6)


def test_gabor_of_opencv():
    """getGaborKernel((5, 3), 1.5, 0.6, 3.5, 0.7, 0.4), and the shape that it chooses."""
    expected = [
        [-0.10951439, -0.62663675, 0.13537861, 0.7962887, 0.01074047],
        [-0.46341477, -0.25392572, 0.92106099, 0.39009598, -0.39779127],
        [-0.35654549, 0.5158793, 0.70718792, -0.32356561, -0.30163127],
    ]
    np.testing.assert_allclose(make("gabor", (3, 5), 1.5, 0.6, 3.5, 0.7, 0.4), expected, atol=6e-9)
    assert make("gabor", None, 1.5, 0.6, 3.5, 0.7, 0.4).shape == (11, 9)
    assert make("gabor", None, 1.4, 1.2, 3, 1.7, 0).shape == (9, 5)
    assert make("gabor", None, 1.4, 0.3, 3, 0.6, 0).shape == (15, 9)


def test_gabor_answers_to_its_own_stripes():
    def stripes(angle, length):
        def wave(x, y):
            return np.sin(2 * np.pi / length * (x * math.cos(angle) + y * math.sin(angle)))

        return wave

    taps = make("gabor", sigma=3, theta=0.7, wavelength=6)
    own = answer(taps, stripes(0.7, 6))
    for other in (stripes(-0.7, 6), stripes(0.7 + np.pi / 2, 6), stripes(0.7, 3)):
        assert abs(answer(taps, other)) < own / 10
    np.testing.assert_allclose(taps[::-1, ::-1], -taps, atol=1e-15)
    even = make("gabor", 8, psi=0)
    np.testing.assert_allclose(even[::-1, ::-1], even, atol=1e-15)
