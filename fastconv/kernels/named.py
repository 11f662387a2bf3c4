# SPDX-License-Identifier: BSD-3-Clause
"""Kernels with names: 2-D float64 arrays for `conv2d`.

They are written as they are applied, without a flip. x points right along axis 1, y points down
along axis 0, both count pixels from the middle of the array. Angles are in radians, as
math.radians makes of degrees, and turn from x towards y.
"""

from __future__ import annotations

import math
from typing import SupportsIndex

import numpy as np

from .checks import (
    SIZE_MAX,
    Array,
    Floats,
    Integers,
    as_integer,
    as_number,
    as_pair,
    as_positive,
    as_sizes,
    as_truncate,
    check_finite,
    show,
    span_of_gabor,
    span_of_gaussian,
)

BINOMIAL_MAX = 31  # as OpenCV; the taps of sobel and laplacian are then exact integers


# ---- averages ----------------------------------------------------------------------------------


def mean(size: Integers = 3) -> Array:
    """The mean of size x size pixels.

    size
        pixels, one integer or (height, width), even or odd.

    Returns h x w taps of 1 / (h w). Raises TypeError or ValueError for a size that is not an
    integer from 1 to 4096.

    >>> mean((1, 4))
    array([[0.25, 0.25, 0.25, 0.25]])
    """
    height, width = as_sizes("mean", size)
    return np.full((height, width), 1 / (height * width))


def gaussian(size: Integers | None = None, sigma: Floats = 1.0, truncate: float = 4.0) -> Array:
    """Samples of ``exp(-x^2 / (2 sx^2) - y^2 / (2 sy^2))``, scaled to sum to 1.

    size
        pixels, one integer or (height, width), even or odd; None takes 2 radius + 1 along each
        axis, with the radius of scipy.ndimage: int(truncate * sigma + 0.5).
    sigma
        standard deviation in pixels, above 0, one number or (vertical, horizontal).
    truncate
        without a size: the kernel ends at truncate * sigma on each side; at least 0.

    Returns a height x width array. Without a size, it is the kernel of
    scipy.ndimage.gaussian_filter; with odd sizes, the outer product of two of OpenCV's
    getGaussianKernel. Raises TypeError or ValueError for a size that is not an integer from 1 to
    4096, and for other values of sigma or truncate.

    >>> gaussian(3, sigma=0.5).round(3)
    array([[0.011, 0.084, 0.011],
           [0.084, 0.619, 0.084],
           [0.011, 0.084, 0.011]])
    >>> gaussian(sigma=(1, 2)).shape, gaussian(sigma=2, truncate=3).shape
    ((9, 17), (13, 13))
    """
    return _gaussian("gaussian", size, sigma, truncate)


# ---- derivatives -------------------------------------------------------------------------------


def sobel(size: SupportsIndex = 3, axis: SupportsIndex = 1) -> Array:
    """The first derivative along one axis, smoothed by binomial weights along the other.

    size
        odd pixels from 3 to 31.
    axis
        1: positive where the image rises to the right; 0: where it rises downwards.

    Returns size x size integers: the outer product of the two kernels of OpenCV's
    getDerivKernels, C(size - 1, k) and C(size - 3, k) convolved with (-1, 0, 1). A slope of 1 per
    pixel gives 2 * 4^(size - 2). Raises TypeError or ValueError for another size or axis.

    >>> sobel()
    array([[-1.,  0.,  1.],
           [-2.,  0.,  2.],
           [-1.,  0.,  1.]])
    >>> sobel(5)[2]
    array([ -6., -12.,   0.,  12.,   6.])
    """
    n = as_integer("sobel", "size", size, 3, BINOMIAL_MAX, odd=True)
    return _along("sobel", axis, np.outer(_binomial(n), _binomial(n - 2, (-1, 0, 1))))


def scharr(axis: SupportsIndex = 1) -> Array:
    """The first derivative along one axis; the gradient's angle is more exact than with `sobel`.

    axis
        1: positive where the image rises to the right; 0: where it rises downwards.

    Returns the 3 x 3 kernel of OpenCV's Scharr; a slope of 1 per pixel gives 32. Raises
    TypeError or ValueError for another axis.

    >>> scharr(axis=0)
    array([[ -3., -10.,  -3.],
           [  0.,   0.,   0.],
           [  3.,  10.,   3.]])
    """
    return _along("scharr", axis, np.outer((3.0, 10.0, 3.0), (-1.0, 0.0, 1.0)))


def prewitt(size: SupportsIndex = 3, axis: SupportsIndex = 1) -> Array:
    """The first derivative along one axis: each pixel times its distance from the middle.

    size
        odd pixels from 3 to 4095.
    axis
        1: positive where the image rises to the right; 0: where it rises downwards.

    Returns size x size taps that are x (axis 1) or y (axis 0), the slope of the least-squares
    plane times the sum of x^2: size^2 (size^2 - 1) / 12. Raises TypeError or ValueError for another
    size or axis.

    >>> prewitt()
    array([[-1.,  0.,  1.],
           [-1.,  0.,  1.],
           [-1.,  0.,  1.]])
    """
    n = as_integer("prewitt", "size", size, 3, SIZE_MAX - 1, odd=True)
    return _along("prewitt", axis, np.outer(np.ones(n), _offsets(n)))


def laplacian(size: SupportsIndex = 3, diagonal: bool = False) -> Array:
    """The sum of the second derivatives along both axes; it sums to 0, its middle is negative.

    size
        odd pixels from 3 to 31. 3 is the difference between a pixel and its neighbours; a larger
        one is the second derivative of binomials, C(size - 3, k) convolved with (1, -2, 1) along
        one axis and C(size - 1, k) along the other, as in OpenCV's Laplacian with ksize 5, 7, ...
        (whose ksize 1 is this one's 3).
    diagonal
        for size 3: True counts the eight neighbours, False the four next to an edge.

    Returns size x size integers. On (x^2 + y^2) / 2 it gives 2, with diagonal 6, and with a size
    above 3 it gives 2 * 4^(size - 2). Raises TypeError or ValueError for another size, and for
    diagonal with a size other than 3.

    >>> laplacian()
    array([[ 0.,  1.,  0.],
           [ 1., -4.,  1.],
           [ 0.,  1.,  0.]])
    >>> laplacian(5)[2]
    array([  4.,  -8., -24.,  -8.,   4.])
    """
    n = as_integer("laplacian", "size", size, 3, BINOMIAL_MAX, odd=True)
    if not isinstance(diagonal, (bool, np.bool_)):
        raise TypeError(f"laplacian: diagonal is {show(diagonal)}, but it must be True or False")
    if diagonal and n != 3:
        raise ValueError(f"laplacian: diagonal is True and size is {n}, but size must be 3")
    if diagonal:
        return 1 - 9 * _identity(3, 3)
    return _laplacian(n)


# ---- sharper -----------------------------------------------------------------------------------


def sharpen(size: SupportsIndex = 3, amount: float = 1.0) -> Array:
    """The picture minus ``amount`` times its second derivatives; sums to 1.

    size
        odd pixels from 3 to 31, as in `laplacian`.
    amount
        a finite number; 0 changes nothing, below 0 blurs.

    Returns identity - amount * laplacian(size), the latter divided by 4^(size - 2) where size is
    above 3, so that a parabola is sharpened alike at every size. Raises TypeError or ValueError
    for another size or amount.

    >>> sharpen()
    array([[ 0., -1.,  0.],
           [-1.,  5., -1.],
           [ 0., -1.,  0.]])
    """
    n = as_integer("sharpen", "size", size, 3, BINOMIAL_MAX, odd=True)
    gain = 1 if n == 3 else 4 ** (n - 2)
    strength = as_number("sharpen", "amount", amount)
    with np.errstate(over="ignore"):  # refused below
        taps = _identity(n, n) - strength / gain * _laplacian(n)
    check_finite("sharpen", taps, f"amount is {strength:g}", "all taps must be finite")
    return taps


def unsharp(
    size: Integers | None = None, sigma: Floats = 1.0, amount: float = 1.0, truncate: float = 4.0
) -> Array:
    """The unsharp mask: the picture plus ``amount`` times what a gaussian blur takes away.

    size
        odd pixels, one integer or (height, width), or None, as in `gaussian`.
    sigma
        standard deviation in pixels, above 0, one number or (vertical, horizontal).
    amount
        a finite number; 0 changes nothing, -1 is the blur.
    truncate
        without a size: the kernel ends at truncate * sigma on each side.

    Returns identity + amount * (identity - gaussian(size, sigma, truncate)), which sums to 1.
    Raises TypeError or ValueError for another size, sigma, amount or truncate.

    >>> unsharp(3, sigma=0.5).round(3)
    array([[-0.011, -0.084, -0.011],
           [-0.084,  1.381, -0.084],
           [-0.011, -0.084, -0.011]])
    """
    blur = _gaussian("unsharp", size, sigma, truncate, odd=True)
    same = _identity(*blur.shape)
    times = as_number("unsharp", "amount", amount)
    with np.errstate(under="ignore"):
        return same + times * (same - blur)


def emboss(size: SupportsIndex = 3, angle: float = math.pi / 4) -> Array:
    """A relief: the picture plus its slope in the direction of ``angle``.

    size
        odd pixels from 3 to 4095.
    angle
        in radians, from the x axis towards y, which points down. What rises in this direction
        gets brighter, as if light came from behind. The default, pi / 4, points to the lower
        right: the light comes from the upper left.

    Returns identity + g (x cos angle + y sin angle) / max(abs(cos angle), abs(sin angle)), which
    sums to 1; g is 1 for size 3, and such that a plane is answered alike at every size:
    72 / (size^2 (size^2 - 1)). Raises TypeError or ValueError for another size or angle.

    >>> emboss(angle=0)
    array([[-1.,  0.,  1.],
           [-1.,  1.,  1.],
           [-1.,  0.,  1.]])
    """
    n = as_integer("emboss", "size", size, 3, SIZE_MAX - 1, odd=True)
    turn = as_number("emboss", "angle", angle)
    right, down = math.cos(turn), math.sin(turn)
    x = _offsets(n)
    gain = 72 / (n**2 * (n**2 - 1)) / max(abs(right), abs(down))
    return _identity(n, n) + gain * (right * x + down * x[:, None])


# ---- texture -----------------------------------------------------------------------------------


def gabor(
    size: Integers | None = None,
    sigma: float = 2.0,
    theta: float = 0.0,
    wavelength: float = 4.0,
    gamma: float = 0.5,
    psi: float = math.pi / 2,
) -> Array:
    """A wave under a gaussian, for stripes of one direction and one width.

    size
        pixels, one integer or (height, width), even or odd; None reaches three sigma.
    sigma
        standard deviation across the stripes in pixels, above 0.
    theta
        direction across the stripes, in radians from the x axis towards y, which points down.
    wavelength
        from stripe to stripe in pixels, above 0 (from 1e-304 or so, else the phase is not finite).
    gamma
        sigma over the standard deviation along the stripes, above 0.
    psi
        phase, in radians: pi / 2 for an edge (odd), 0 for a bar (even).

    Returns ``exp(-(u^2 + gamma^2 v^2) / (2 sigma^2)) cos(2 pi u / wavelength - psi)`` with
    u = x cos theta + y sin theta and v = y cos theta - x sin theta. For odd sizes this is the array
    of OpenCV's getGaborKernel, which has + psi because it counts x and y from the far corner; for
    an even size OpenCV gives one tap more. Raises TypeError or ValueError for other arguments.

    >>> gabor(3, sigma=1, wavelength=4, gamma=1).round(3)
    array([[-0.368,  0.   ,  0.368],
           [-0.607,  0.   ,  0.607],
           [-0.368,  0.   ,  0.368]])
    """
    across = as_positive("gabor", "sigma", sigma)
    wave = as_positive("gabor", "wavelength", wavelength)
    ratio = as_positive("gabor", "gamma", gamma)
    turn, phase = as_number("gabor", "theta", theta), as_number("gabor", "psi", psi)
    c, s = math.cos(turn), math.sin(turn)
    if size is None:
        wide, high = abs(3 * across * c), abs(3 * across * s)
        height = span_of_gabor(across, ratio, max(high, abs(3 * across / ratio * c)))
        width = span_of_gabor(across, ratio, max(wide, abs(3 * across / ratio * s)))
    else:
        height, width = as_sizes("gabor", size)
    x, y = _offsets(width), _offsets(height)[:, None]
    u, v = x * c + y * s, y * c - x * s
    # exp(-inf) is 0; a phase is checked
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        envelope = np.exp(-0.5 * ((u / across) ** 2 + (v * ratio / across) ** 2))
        phases = 2 * np.pi / wave * u - phase
    check_finite(
        "gabor",
        phases,
        f"wavelength is {wave:g} and psi is {phase:g}",
        "2 pi u / wavelength - psi must be finite",
    )
    with np.errstate(under="ignore"):
        return envelope * np.cos(phases)


# ---- parts -------------------------------------------------------------------------------------


def _offsets(n: int) -> Array:
    """n pixels, counted from the middle."""
    return np.arange(n, dtype=np.float64) - (n - 1) / 2


def _identity(height: int, width: int) -> Array:
    taps = np.zeros((height, width))
    taps[height // 2, width // 2] = 1
    return taps


def _binomial(n: int, times: tuple[int, ...] = (1,)) -> Array:
    """C(n - 1, k), convolved with `times`."""
    return np.convolve([float(math.comb(n - 1, k)) for k in range(n)], times)


def _laplacian(n: int) -> Array:
    if n == 3:
        return np.array([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
    across = np.outer(_binomial(n), _binomial(n - 2, (1, -2, 1)))
    return across + across.T


def _normal(n: int, sigma: float) -> Array:
    """n samples of a normal curve, scaled to sum to 1."""
    far = np.abs(_offsets(n))
    near: float = far.min()  # 0 or 1/2; from there the largest sample is 1, however small sigma is
    with np.errstate(over="ignore", under="ignore"):  # exp(-inf) is 0
        taps = np.exp(-0.5 * ((far - near) * (far + near) / sigma / sigma))
        total: float = taps.sum()
        return taps / total


def _gaussian(
    name: str, size: Integers | None, sigma: Floats, truncate: float, odd: bool = False
) -> Array:
    reach = as_truncate(name, truncate)
    spread = as_pair(name, "sigma", sigma, lambda value: as_positive(name, "sigma", value))
    if size is None:
        sizes = tuple(span_of_gaussian(name, one, reach) for one in spread)
    else:
        sizes = as_sizes(name, size, odd)
    with np.errstate(under="ignore"):
        return np.outer(_normal(sizes[0], spread[0]), _normal(sizes[1], spread[1]))


def _along(name: str, axis: SupportsIndex, taps: Array) -> Array:
    """`taps`, which derive along axis 1, along `axis`."""
    return taps if as_integer(name, "axis", axis, -2, 1) % 2 else taps.T.copy()
