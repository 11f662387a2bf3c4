# SPDX-License-Identifier: BSD-3-Clause
"""Fast forms of filters of scipy.ndimage: see `fast`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from . import fast_jobs as jobs
from .fast_jobs import Job, Line, need

BORDERS = {
    "reflect": "symmetric",
    "grid-mirror": "symmetric",
    "mirror": "mirror",
    "nearest": "edge",
    "wrap": "wrap",
    "grid-wrap": "wrap",
    "constant": "constant",
    "grid-constant": "constant",
}
SMALLEST_SIGMA = 1e-15  # below, SciPy does not filter
IGNORED = float(np.finfo(np.float64).eps)  # SciPy leaves out weights of N-D kernels up to this
BOX_TAPS = {1: 7, 2: 15, 3: 7}  # by the number of axes; above, running sums are faster


def border(mode: Any) -> str:
    """The border that a mode of SciPy means."""
    need(type(mode) is str and mode in BORDERS)
    return BORDERS[mode]


def line(
    axis: int, taps: np.ndarray, mode: Any, origin: Any = 0, *, convolution: bool = False
) -> Line:
    """Taps along an axis."""
    return Line(axis, *placed(taps, jobs.as_int(origin), convolution), border(mode))


def placed(taps: np.ndarray, origin: int, convolution: bool) -> tuple[np.ndarray, int]:
    """The taps as those of a correlation, and how many lie before the element of the output."""
    size = len(taps)
    before = size // 2 + origin
    if convolution:
        taps, before = taps[::-1], size - 1 - before
        origin = before - size // 2
    need(0 <= before < size)
    return taps, before


def job(image, out, value, *filters, norm=False) -> Job:
    """The job of filters, each a list of lines."""
    made = [jobs.passes(image, lines, value) for lines in filters]
    return finished(image, out, made, norm)


def finished(image, out, made, norm=False) -> Job:
    """The job of (axes, step), which all have the same axes."""
    axes, steps = made[0][0], tuple(step for _, step in made)
    return Job(image, out, image.shape, axes, steps, norm)


# ---- any weights -------------------------------------------------------------------------------


def _windows(convolution: bool):
    def form(input, weights, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
        image, value = jobs.as_image(input), jobs.as_value(cval)
        out = jobs.as_output(output, image)
        axes = jobs.as_axes(axes, image.ndim)
        need(axes == sorted(axes))
        kernel = jobs.as_weights(weights)
        need(kernel.ndim == len(axes))
        origins, sizes = [0] * image.ndim, [1] * image.ndim
        pads = [(0, 0)] * image.ndim
        for axis, size, given in zip(
            axes, kernel.shape, jobs.per_axis(origin, len(axes)), strict=True
        ):
            origins[axis], sizes[axis] = jobs.as_int(given), size
            _, before = placed(np.empty(size), origins[axis], convolution)
            pads[axis] = before, size - 1 - before
        if convolution:
            kernel = np.flip(kernel)
        left_out = np.abs(kernel) <= IGNORED
        need(not left_out.all())
        kernel = np.where(left_out, 0, kernel).reshape(sizes)
        made = jobs.window(image, kernel, pads, [border(mode)] * image.ndim, value)
        found = finished(image, out, [made])
        if left_out.any():
            jobs.check_finite(image)
        return found

    return form


def _lines(convolution: bool):
    def form(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
        image, taps = jobs.as_image(input), jobs.as_weights(weights)
        need(taps.ndim == 1)
        axis = jobs.as_axis(axis, image.ndim)
        one = line(axis, taps, mode, origin, convolution=convolution)
        return job(image, jobs.as_output(output, image), jobs.as_value(cval), [one])

    return form


correlate, convolve = _windows(False), _windows(True)
correlate1d, convolve1d = _lines(False), _lines(True)


# ---- gaussians ---------------------------------------------------------------------------------


@lru_cache(256)
def _gaussian(sigma: float, order: int, radius: int) -> np.ndarray:
    """SciPy's taps, as those of a correlation."""
    from scipy.ndimage._filters import _gaussian_kernel1d

    taps = _gaussian_kernel1d(sigma, order, radius)[::-1]
    taps.flags.writeable = False
    return taps


def _gaussian_line(axis, sigma, order, mode, truncate, radius) -> Line:
    sigma, order, truncate = jobs.as_float(sigma), jobs.as_int(order), jobs.as_float(truncate)
    need(sigma > SMALLEST_SIGMA and order >= 0)
    radius = int(truncate * sigma + 0.5) if radius is None else jobs.as_int(radius)
    need(radius >= 0)
    return line(axis, _gaussian(sigma, order, radius), mode)


def _gaussian_lines(axes, sigma, order, mode, truncate=4.0, radius=None) -> list[Line]:
    count = len(axes)
    sigmas = [jobs.as_float(one) for one in jobs.per_axis(sigma, count)]
    rest = (jobs.per_axis(one, count) for one in (order, mode, radius))
    return [
        _gaussian_line(axis, sigma, order, mode, truncate, radius)
        for axis, sigma, order, mode, radius in zip(axes, sigmas, *rest, strict=True)
        if sigma > SMALLEST_SIGMA
    ]


def gaussian_filter1d(
    input, sigma, axis=-1, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0,
    *, radius=None,
):  # fmt: skip
    image = jobs.as_image(input)
    axis = jobs.as_axis(axis, image.ndim)
    one = _gaussian_line(axis, sigma, order, mode, truncate, radius)
    return job(image, jobs.as_output(output, image), jobs.as_value(cval), [one])


def gaussian_filter(
    input, sigma, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0,
    *, radius=None, axes=None,
):  # fmt: skip
    image = jobs.as_image(input)
    axes = jobs.as_axes(axes, image.ndim)
    lines = _gaussian_lines(axes, sigma, order, mode, truncate, radius)
    return job(image, jobs.as_output(output, image), jobs.as_value(cval), lines)


def _derivatives(input, sigma, order, output, mode, cval, axes, norm, words):
    """A derivative along each axis of an image that is smoothed along all."""
    image, value = jobs.as_image(input), jobs.as_value(cval)
    need(words.keys() <= {"truncate", "radius"})
    out = jobs.as_output(output, image, in_place=False)
    axes = jobs.as_axes(axes, image.ndim)
    every = range(image.ndim)
    filters = [
        _gaussian_lines(every, sigma, [order * (at == axis) for at in every], mode, **words)
        for axis, mode in zip(axes, jobs.per_axis(mode, len(axes)), strict=True)
    ]
    return job(image, out, value, *filters, norm=norm)


def gaussian_laplace(input, sigma, output=None, mode="reflect", cval=0.0, *, axes=None, **words):
    if axes is not None:
        image = jobs.as_image(input)
        places = jobs.as_axes(axes, image.ndim)
        given = dict(zip(places, jobs.per_axis(sigma, len(places)), strict=True))
        sigma = [given.get(axis, 0) for axis in range(image.ndim)]
    return _derivatives(input, sigma, 2, output, mode, cval, axes, False, words)


def gaussian_gradient_magnitude(
    input, sigma, output=None, mode="reflect", cval=0.0, *, axes=None, **words
):
    return _derivatives(input, sigma, 1, output, mode, cval, axes, True, words)


# ---- small differences -------------------------------------------------------------------------

DIFFERENCE = np.array([-1.0, 0.0, 1.0])
SECOND = np.array([1.0, -2.0, 1.0])


def _edges(smooth: list[float]):
    smooth = np.array(smooth)

    def form(input, axis=-1, output=None, mode="reflect", cval=0.0):
        image = jobs.as_image(input)
        axis = jobs.as_axis(axis, image.ndim)
        lines = [
            line(at, DIFFERENCE if at == axis else smooth, word)
            for at, word in enumerate(jobs.per_axis(mode, image.ndim))
        ]
        return job(image, jobs.as_output(output, image), jobs.as_value(cval), lines)

    return form


sobel, prewitt = _edges([1.0, 2.0, 1.0]), _edges([1.0, 1.0, 1.0])


def laplace(input, output=None, mode="reflect", cval=0.0, *, axes=None):
    image, value = jobs.as_image(input), jobs.as_value(cval)
    axes = jobs.as_axes(axes, image.ndim)
    need(len(axes) <= 3)
    out = jobs.as_output(output, image, in_place=len(axes) == 1)
    modes = dict(zip(axes, jobs.per_axis(mode, len(axes)), strict=True))
    kernel = np.zeros([3 if axis in modes else 1 for axis in range(image.ndim)])
    centre = tuple(size // 2 for size in kernel.shape)
    for axis in axes:
        along = (*centre[:axis], slice(None), *centre[axis + 1 :])
        kernel[along] += SECOND
    pads = [(size // 2, size // 2) for size in kernel.shape]
    borders = [border(modes.get(axis, "nearest")) for axis in range(image.ndim)]
    found = finished(image, out, [jobs.window(image, kernel, pads, borders, value)])
    if len(axes) > 1:  # the corners of the kernel are 0
        jobs.check_finite(image)
    return found


# ---- boxes -------------------------------------------------------------------------------------


def _box(axis, size, mode, origin, axes) -> Line:
    need(size <= BOX_TAPS.get(axes, 0))
    return line(axis, np.full(size, 1 / size), mode, origin)


def uniform_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    image, size = jobs.as_image(input), jobs.as_int(size)
    need(size > 1)
    one = _box(jobs.as_axis(axis, image.ndim), size, mode, origin, 1)
    found = job(image, jobs.as_output(output, image), jobs.as_value(cval), [one])
    jobs.check_finite(image)  # in SciPy, NaN stays in a running sum to the end of the line
    return found


def uniform_filter(
    input, size=3, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):  # fmt: skip
    image = jobs.as_image(input)
    axes = jobs.as_axes(axes, image.ndim)
    rest = (jobs.per_axis(one, len(axes)) for one in (mode, origin))
    sizes = [jobs.as_int(one) for one in jobs.per_axis(size, len(axes))]
    filtered = sum(size > 1 for size in sizes)
    lines = [
        _box(axis, size, mode, origin, filtered)
        for axis, size, mode, origin in zip(axes, sizes, *rest, strict=True)
        if size > 1
    ]
    found = job(image, jobs.as_output(output, image), jobs.as_value(cval), lines)
    jobs.check_finite(image)
    return found
