# SPDX-License-Identifier: BSD-3-Clause
"""The cases of `fastconv bench --group scipy`: functions of SciPy over our kernels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from .case import Case, named, variant
from .scipy_calls import gaussian_taps

__all__ = ["SCIPY_CASES", "scipy_case"]

_HD, _CUBE, _SIGNAL, _TINY = (1080, 1920), (128,) * 3, (1_000_000,), (5, 5)


def scipy_case(
    op: str, sizes: Sequence[int], window: Sequence[int], text: str = "", *, channels: int = 1,
    dtype: str = "float32", **words: Any,
) -> Case:  # fmt: skip
    """A function of SciPy, such as "ndimage.sobel", on one array, with its `words`.

    The window is the kernel. `text` follows the size in the name, by default window and function.
    Channels are the last axis, and no axis if there is one.
    """
    size, _, kernel = named(channels, tuple(sizes), None, window).partition(" ")
    text = text or f"{kernel} {op.partition('.')[2]}".replace("_filter", "")
    words |= {"axes": tuple(range(len(sizes)))} if channels > 1 else {}
    shapes = ((1, channels, *sizes), (1, 1, *window))
    made = variant(Case(f"{size} {text}", op, shapes, words), dtype=dtype)
    return dataclasses.replace(made, name=made.name + " fast" * ("precision" in words))


def gaussian(sizes: Sequence[int], sigma: int, **words: Any) -> Case:
    """A Gaussian filter, named by its sigma."""
    window, text = (gaussian_taps(sigma),) * len(sizes), f"gaussian sigma {sigma}"
    return scipy_case("ndimage.gaussian_filter", sizes, window, text, sigma=sigma, **words)


def boxed(function: str, sizes: Sequence[int], size: int, **words: Any) -> Case:
    """A filter of boxes of one size, or of columns for functions with an axis."""
    window = (size, 1) if "axis" in words else (size,) * len(sizes)
    return scipy_case(f"ndimage.{function}", sizes, window, size=size, **words)


def correlated(sizes: Sequence[int], taps: int, axis: int, **words: Any) -> Case:
    """A line of taps along one of two axes."""
    window = ((taps, 1), (1, taps))[axis]
    return scipy_case("ndimage.correlate1d", sizes, window, axis=axis, **words)


def single_images(**words: Any) -> tuple[Case, ...]:
    """What is timed with precision='fast', too: float32 images of one channel."""
    return (
        scipy_case("signal.convolve2d", _HD, (5, 5), mode="same", **words),
        *(scipy_case("ndimage.convolve", _HD, (side, side), **words) for side in (3, 5, 15)),
        scipy_case("ndimage.convolve", (512, 512), (61, 61), **words),
        gaussian(_HD, 1, **words),
        gaussian(_HD, 5, **words),
        boxed("uniform_filter", _HD, 15, **words),
        scipy_case("ndimage.sobel", _HD, (3, 3), **words),
        boxed("maximum_filter", _HD, 15, **words),
        *(boxed("median_filter", _HD, size, mode="nearest", **words) for size in (3, 5)),
    )


_DOUBLE, _BYTES = {"dtype": "float64"}, {"dtype": "uint8"}
_TAPS = (129,)

SCIPY_CASES = (
    *single_images(),
    *single_images(precision="fast"),
    scipy_case("signal.convolve2d", _HD, (5, 5), mode="same", **_DOUBLE),
    scipy_case("ndimage.convolve", _HD, (5, 5), **_DOUBLE),
    gaussian(_HD, 2, **_DOUBLE),
    boxed("uniform_filter", _HD, 15, **_DOUBLE),
    scipy_case("ndimage.sobel", _HD, (3, 3), **_DOUBLE),
    boxed("maximum_filter", _HD, 15, **_DOUBLE),
    correlated(_HD, 31, 0, **_DOUBLE),
    correlated(_HD, 31, 1, **_DOUBLE),
    boxed("uniform_filter1d", _HD, 15, axis=0, **_DOUBLE),
    boxed("maximum_filter1d", _HD, 15, axis=0, **_DOUBLE),
    gaussian(_HD, 2, **_BYTES),
    boxed("maximum_filter", _HD, 15, **_BYTES),
    *(boxed("median_filter", _HD, size, mode="nearest", **_BYTES) for size in (3, 5)),
    gaussian(_HD, 2, channels=3),
    gaussian(_HD, 2, channels=3, **_BYTES),
    boxed("uniform_filter", _HD, 15, channels=3),
    boxed("median_filter", _HD, 3, mode="nearest", channels=3, **_BYTES),
    scipy_case("ndimage.convolve", _CUBE, (3, 3, 3)),
    gaussian(_CUBE, 2),
    scipy_case("signal.upfirdn", _SIGNAL, _TAPS, "k129 upfirdn 3/2", up=3, down=2, **_DOUBLE),
    scipy_case("signal.oaconvolve", _SIGNAL, _TAPS, mode="same", **_DOUBLE),
    correlated(_TINY, 3, 1, **_DOUBLE),
    gaussian(_TINY, 1, **_DOUBLE),
    scipy_case("ndimage.convolve", _TINY, (3, 3), **_DOUBLE),
    boxed("median_filter", _TINY, 3, **_DOUBLE),
    boxed("uniform_filter", _TINY, 3, **_DOUBLE),
    boxed("maximum_filter", _TINY, 3, **_DOUBLE),
)
