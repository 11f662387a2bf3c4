# SPDX-License-Identifier: BSD-3-Clause
"""What ``fastconv filter`` computes: kernels, their answers, and those as pixels.

A filter is an array of kernels ``(directions, height, width)``. Two are the directions of a
gradient, whose magnitude is the result.
"""

import inspect
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from .. import kernels

# What each named kernel takes, its own parameters; one with an axis is a gradient.
PARAMETERS = {
    name: tuple(inspect.signature(getattr(kernels, name)).parameters)
    for name in kernels.__all__
    if name != "separate"
}
NEAR = (
    0.82  # what difflib calls the ratio of two words: sharp is near to sharpen, median not to mean
)
SUM_NEAR = 1e-3  # a kernel whose sum is so close to 1 keeps the brightness
SUM_SMALL = 0.05  # and one whose sum is at most this part of that of its magnitudes has none


def make_filter(kernel: str, options: dict[str, Any] | None = None) -> np.ndarray:
    """The kernels of a filter, (directions, height, width), by name or from a file (text or .npy).

    >>> make_filter("mean", {"size": 5}).shape, make_filter("sobel").shape
    ((1, 5, 5), (2, 3, 3))
    """
    options = dict(options or {})
    for option in options:
        if option not in PARAMETERS.get(kernel, ()):
            takers = ", ".join(name for name, taken in PARAMETERS.items() if option in taken)
            raise ValueError(f"--{option} is for {takers}, but --kernel is {kernel}")
    if kernel not in PARAMETERS:
        return read_kernel(kernel)[None]
    function = getattr(kernels, kernel)
    if "axis" in PARAMETERS[kernel] and options.get("axis", "magnitude") == "magnitude":
        return np.stack([function(**options | {"axis": axis}) for axis in (1, 0)])
    return function(**options)[None]


def read_kernel(path: str) -> np.ndarray:
    """A 2-D kernel from .npy, or from text: rows of numbers separated by blanks or commas."""
    said = f"--kernel {path}: this is"
    try:
        if path.lower().endswith(".npy"):
            kernel = np.load(path, allow_pickle=False)
        else:
            kernel = read_rows(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        near = get_close_matches(path.lower(), PARAMETERS, 1, NEAR)
        hint = f"; did you mean {near[0]}?" if near else ""
        needed = f"one of {', '.join(PARAMETERS)} or a file{hint}"
        raise ValueError(f"--kernel is {path}, but it must be {needed}") from None
    except OSError as error:
        raise OSError(f"--kernel {path}: {error.strerror or error}") from None
    except Exception as error:  # a damaged file makes NumPy raise anything
        raise ValueError(f"--kernel {path}: {error}") from None
    needed = "but it must be a 2-D array of real numbers"
    if not isinstance(kernel, np.ndarray):
        kernel.close()
        raise ValueError(f"{said} an archive of arrays, {needed}")
    if kernel.size == 0:
        raise ValueError(f"--kernel {path}: it holds no numbers")
    if kernel.ndim != 2 or kernel.dtype.kind not in "biuf":
        got = f"an array of shape {kernel.shape} and dtype {kernel.dtype}"
        raise ValueError(f"{said} {got}, {needed}")
    if not np.isfinite(kernel).all():
        raise ValueError(f"--kernel {path}: it holds inf or NaN, but all must be finite")
    return kernel.astype(np.float64)


def read_rows(text: str) -> np.ndarray:
    """Rows of numbers as an array; a # begins a comment.

    >>> read_rows("1, 2  # a comment")
    array([[1., 2.]])
    """
    lines = (line.partition("#")[0].replace(",", " ").split() for line in text.splitlines())
    rows = [line for line in lines if line]
    lengths = " and ".join(map(str, sorted({len(row) for row in rows})))
    if " " in lengths:
        raise ValueError(f"rows have {lengths} numbers, but all must have the same length")
    for word in chain(*rows):
        try:
            float(word)
        except ValueError:
            raise ValueError(f"{word!r} stands in a row, but all must be numbers") from None
    return np.array(rows, np.float64, ndmin=2)


def filter_planes(
    planes: np.ndarray,
    directions: np.ndarray,
    border: str = "edge",
    border_value: float = 0.0,
    separate: bool = False,
    threads: int | None = None,
) -> np.ndarray:
    """(channels, height, width) under the kernels of a filter, as float32.

    A kernel is applied as written (correlation); an even one has its centre before the middle.
    """
    work = planes.astype(np.float32)[:, None]  # channels become the batch
    outside = {"padding_mode": border}
    if border == "constant":
        outside["padding_value"] = border_value
    with np.errstate(over="ignore", invalid="ignore"):  # reported below
        answers = [respond(work, taps, separate, threads, outside) for taps in directions]
        result = answers[0] if len(answers) == 1 else np.hypot(*answers)
    if not np.isfinite(result).all():
        most = np.abs(directions).max()
        raise ValueError(f"the kernel has taps up to {most:g}, but float32 must hold their sums")
    return result[:, 0]


def respond(
    work: np.ndarray, taps: np.ndarray, separate: bool, threads: int | None, outside: dict
) -> np.ndarray:
    """What a 2-D kernel answers to `work`, (batch, 1, height, width).

    A kernel of rank 1 is always two 1-D passes, h + w taps a pixel and not h w: in 2-D a wide
    gaussian would take minutes. A kernel of several pairs may have more taps so than as it is;
    there the user says.
    """
    from .. import conv2d

    outside = outside | {"padding": tuple(((n - 1) // 2, n // 2) for n in taps.shape)}
    pairs = kernels.separate(taps)
    if len(pairs) > 1 and not separate:
        return conv2d(work, taps[None, None].astype(np.float32), threads=threads, **outside)
    columns, rows = (np.stack(part).astype(np.float32) for part in zip(*pairs, strict=True))
    # The first pass pads along both axes, so that the second meets its answer to the border.
    work = conv2d(work, columns[:, None, :, None], threads=threads, **outside)
    return conv2d(work, rows[None, :, None, :], threads=threads)


# ---- as pixels ---------------------------------------------------------------------------------


def choose_range(directions: np.ndarray) -> str:
    """What ``--range auto`` means for a filter.

    Signed where positive and negative taps cancel, so that a flat picture gives 0.

    >>> choose_range(make_filter("gaussian")), choose_range(make_filter("laplacian"))
    ('clip', 'signed')
    """
    taps = directions[0]
    if len(directions) > 1 or (taps >= 0).all() or (taps <= 0).all():
        return "clip"
    total = taps.sum()
    if abs(total - 1) <= SUM_NEAR or abs(total) > SUM_SMALL * np.abs(taps).sum():
        return "clip"
    return "signed"


def to_pixels(
    answer: np.ndarray, dtype: np.dtype, way: str | tuple[float, float]
) -> tuple[np.ndarray, str]:
    """Float answers as pixels of a dtype from 0 to its largest number, and what was done.

    clip
        an answer is a pixel; those beyond the ends become the ends.
    signed
        0 is the grey in the middle, and the largest magnitude comes next to the end.
    (low, high)
        a line through both, low at 0 and high at the largest number; beyond, the ends.

    >>> to_pixels(np.array([[[-4.0, 0.0, 2.0]]]), np.dtype("uint8"), "signed")
    (array([[[  1, 128, 192]]], dtype=uint8), 'signed: 0 is grey 128, scaled by 31.8')
    """
    top = int(np.iinfo(dtype).max)
    if way == "signed":
        middle = (top + 1) // 2
        most = float(np.abs(answer).max())
        scale = (middle - 1) / most if most else 1.0
        values = np.rint(answer.astype(np.float64) * scale + middle)
        return values.astype(dtype), f"signed: 0 is grey {middle}, scaled by {scale:.3g}"
    said = ""
    if way != "clip":
        low, high = way
        answer = (answer.astype(np.float64) - low) * (top / (high - low))
        said = f"{low:g} to {high:g} became 0 to {top}, "
    values = np.rint(answer)
    share = ((values < 0) | (values > top)).any(axis=0).mean()
    said += f"{100 * share:.3g}% of the pixels clipped" if share else "no pixel clipped"
    return np.clip(values, 0, top).astype(dtype), said
