# SPDX-License-Identifier: BSD-3-Clause
"""Rivals that work on arrays and images: NumPy, SciPy, OpenCV. Imported in workers only."""

from __future__ import annotations

import dataclasses
import math
import time

import numpy as np

from .base import Lacking, Rival, seconds
from .case import BORDERS
from .operations import SCIPY
from .scipy_calls import opencv_call, scipy_call, scipy_words

# OpenCV rounds sums of uint8 once; SciPy cuts digits off in each pass: 3 of 128 and more.
ROUNDED_BYTES = 3 / 128


class NumPy(Rival):
    """What one writes in NumPy: windows, one matrix of them, one product (im2col)."""

    version = np.__version__
    offers = frozenset({*BORDERS, "complex64"})

    def build(self, case, x, w, b, limit, residual=None):
        border = [(0, 0), (0, 0), *case.pads]
        extent = [d * (k - 1) + 1 for k, d in zip(case.kernel, case.dilation, strict=True)]
        step = (..., *(slice(None, None, s) for s in case.stride))
        step += tuple(slice(None, None, d) for d in case.dilation)
        spatial = tuple(range(2, 2 + case.rank))
        # (N, C, out..., k...) -> (N, C, k..., out...) -> (N, G, C/G * k, out)
        order = (0, 1, *range(2 + case.rank, 2 + 2 * case.rank), *spatial)
        shape = (case.batch, case.groups, math.prod(case.weight_shape[1:]), -1)
        matrix = w.reshape(case.groups, case.c_out // case.groups, -1)
        bias, mode = b.reshape(-1, *[1] * case.rank), BORDERS[case.padding_mode]

        def call() -> np.ndarray:
            padded = np.pad(x, border, mode)
            windows = np.lib.stride_tricks.sliding_window_view(padded, extent, spatial)
            columns = windows[step].transpose(order).reshape(shape)
            y = (matrix @ columns).reshape(case.output_shape)
            y += bias
            return y

        return call


class SciPy(Rival):
    """`scipy.signal.correlate` per image and output channel; `scipy.ndimage` for filters.

    Its filters of uint8 neither round nor saturate: that is done to sums of float32 in the call.
    Functions of SciPy are called as they are.
    """

    package = "scipy"
    MODES = {  # noqa: RUF012
        "constant": "constant",
        "edge": "nearest",
        "wrap": "grid-wrap",
        "mirror": "mirror",
        "symmetric": "reflect",
    }
    offers = frozenset(MODES)
    families = frozenset({"conv", "filter", "separable_filter", *SCIPY})

    def __init__(self, threads: int) -> None:
        import scipy

        super().__init__(threads)
        self.version = scipy.__version__

    def check(self, case):
        if not case.operation.image:
            return super().check(case)
        super().check(dataclasses.replace(case, dtype="float32"))  # any dtype of an image will do

    def build(self, case, x, w, b, limit, residual=None):
        if case.group == "scipy":
            return scipy_call("scipy", case.op, x, w, scipy_words(case.words))
        if case.operation.image:
            return self.image_filter(case, x, w, limit)
        if case.c_in == case.c_out == 1 and set(case.stride + case.dilation) == {1}:
            return self.filter(case, x, w, b)
        return self.correlate(case, x, w, b, limit)

    def filter(self, case, x, w, b):
        from scipy import ndimage

        if case.padding != tuple(k // 2 for k in case.kernel) or case.batch > 1:
            raise Lacking("one image, centred kernel only")
        plane, kernel, bias, mode = x[0, 0], w[0, 0], b[0], self.MODES[case.padding_mode]
        return lambda: (ndimage.correlate(plane, kernel, mode=mode) + bias)[None, None]

    def image_filter(self, case, x, w, limit):
        from scipy import ndimage

        mode, axes = self.MODES[case.padding_mode], range(case.rank)
        passes = w if case.family == "separable_filter" else kernel_passes(w)
        kernel = w.reshape(w.shape + (1,) * (x.ndim - case.rank))

        def sums(image):
            if passes is None:
                return ndimage.correlate(image, kernel, np.result_type(image, w), mode)
            for axis, taps in zip(axes, passes, strict=True):
                if len(taps) > 1:
                    image = ndimage.correlate1d(image, taps, axis, mode=mode)
            return image

        def saturated(image):
            return np.clip(np.rint(sums(image)), 0, 255).astype(np.uint8)

        function = saturated if case.dtype == "uint8" else sums
        part = x[: max(1, len(x) // 8)]
        start = time.perf_counter()
        function(part)
        estimate = (time.perf_counter() - start) * len(x) / len(part)
        if estimate > limit:
            raise Lacking("too slow for the time given, estimated from a part", estimate)
        return lambda: function(x)

    def correlate(self, case, x, w, b, limit):
        from scipy import signal

        border = [(0, 0), *case.pads]
        extent = [d * (k - 1) + 1 for k, d in zip(case.kernel, case.dilation, strict=True)]
        kernels = np.zeros((*case.weight_shape[:2], *extent), case.dtype)
        kernels[(..., *(slice(None, None, d) for d in case.dilation))] = w
        step = tuple(slice(None, None, s) for s in case.stride)
        depth, mode = case.c_in // case.groups, BORDERS[case.padding_mode]

        def channel(image: np.ndarray, o: int) -> np.ndarray:
            first = o // (case.c_out // case.groups) * depth
            part = image[first : first + depth]
            return signal.correlate(part, kernels[o], "valid")[(0, *step)] + b[o]

        def call(batch: int = case.batch, c_out: int = case.c_out) -> np.ndarray:
            images = [np.pad(image, border, mode) for image in x[:batch]]
            return np.stack([np.stack([channel(i, o) for o in range(c_out)]) for i in images])

        start = time.perf_counter()
        call(1, 1)
        estimate = (time.perf_counter() - start) * case.batch * case.c_out
        if estimate > limit:
            raise Lacking("too slow for the time given, estimated from one channel", estimate)
        return call


def kernel_passes(kernel: np.ndarray) -> list[np.ndarray] | None:
    """The 1-D kernel of each axis, of a row or a column; None for any other kernel."""
    if sum(k > 1 for k in kernel.shape) > 1:
        return None
    return [kernel.ravel() if k > 1 else np.ones(1, kernel.dtype) for k in kernel.shape]


class OpenCv(Rival):
    """`cv2.filter2D`, two dimensions: one channel, or a filter of an image with any number.

    `cv2.sepFilter2D` for separable filters, and for rows and columns where that is faster.
    """

    package = "opencv-python-headless"
    MODES = {  # noqa: RUF012
        "constant": "BORDER_CONSTANT",
        "edge": "BORDER_REPLICATE",
        "mirror": "BORDER_REFLECT_101",
        "symmetric": "BORDER_REFLECT",
    }
    offers = frozenset({*MODES, "uint8"})
    families = frozenset({"conv", "filter", "separable_filter", *SCIPY}) - {
        "signal.upfirdn", "signal.oaconvolve",
    }  # fmt: skip

    def __init__(self, threads: int) -> None:
        import cv2

        cv2.setNumThreads(threads)
        super().__init__(threads)
        self.module = cv2
        self.version = cv2.__version__

    def tolerance(self, case):
        if case.group != "scipy":
            return case.tolerance
        return max(ROUNDED_BYTES if case.dtype == "uint8" else 0, case.kind.tolerance)

    def build(self, case, x, w, b, limit, residual=None):
        if case.group == "scipy":
            if case.rank != 2:
                raise Lacking("two dimensions only")
            if case.op == "ndimage.median_filter" and case.dtype == "float64":
                raise Lacking("no median of float64")
            calls = opencv_call(self.module, case.op, x, w, case.words)
            return min(calls, key=seconds) if len(calls) > 1 else calls[0]
        if case.operation.image:
            return self.image_filter(case, x, w)
        centred = case.padding == tuple(k // 2 for k in case.kernel)
        one = case.batch == case.c_in == case.c_out == 1
        if case.rank != 2 or not one or set(case.stride + case.dilation) != {1} or not centred:
            raise Lacking("one channel, two dimensions only")
        plane, kernel, bias = x[0, 0], w[0, 0], float(b[0])
        filter2d = self.module.filter2D
        border = getattr(self.module, self.MODES[case.padding_mode])
        return lambda: filter2d(plane, -1, kernel, delta=bias, borderType=border)[None, None]

    def image_filter(self, case, x, w):
        border = getattr(self.module, self.MODES[case.padding_mode])
        separable = case.family == "separable_filter"
        passes = w if separable else kernel_passes(w)

        def whole():
            return self.module.filter2D(x, -1, w, borderType=border)

        def by_passes(sep_filter2d=self.module.sepFilter2D):
            return sep_filter2d(x, -1, passes[1], passes[0], borderType=border)

        if separable or passes is None:
            return by_passes if separable else whole
        return min((whole, by_passes), key=seconds)
