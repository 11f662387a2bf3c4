# SPDX-License-Identifier: BSD-3-Clause
"""How long the three ways to convolve should take, by constants that were measured.

    direct         first + outputs * output + multiply-adds * each
    fft            first + points * log2(points) * each
    overlap_add    first + blocks * block + points * log2(points of a block) * each

Constants are nanoseconds of one thread: those of _plan/constants.py, or those of a file that
`fastconv calibrate` wrote and FASTCONV_CALIBRATION names.
"""

from __future__ import annotations

import json
import os
from functools import cache, lru_cache
from math import ceil, log, log2, prod
from typing import NamedTuple

from .._plan import constants as costs

CALIBRATION = "FASTCONV_CALIBRATION"
DTYPES = {"f": "float32", "d": "float64", "F": "complex64", "D": "complex128"}
LENGTHS = {"direct": 3, "fft": 2, "overlap_add": 3}  # constants of each way
RANKS = ("1", "2", "3")  # the last one stands for more

Rates = dict[str, dict[str, dict[str, list[float]]]]  # dtype, rank, way


class Work(NamedTuple):
    """What each way has to do."""

    outputs: int
    multiplies: int
    points: float  # of one transform, times log2
    blocks: int  # of transforms that overlap
    overlapped: float  # their points, times log2


@cache
def rates() -> Rates:
    """The constants in force. Raises ValueError for a file that has others."""
    path = os.environ.get(CALIBRATION, "").strip()
    if not path:
        return costs.CONVOLVE
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)["convolve"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _refusal(path, f"{type(error).__name__}: {error}") from error
    check(path, found)
    return found


def check(path: str, found: Rates) -> None:
    """Raise unless all constants are there."""
    for dtype in DTYPES.values():
        for rank in RANKS:
            for way, length in LENGTHS.items():
                try:
                    numbers = found[dtype][rank][way]
                    good = len(numbers) == length and all(0 <= n < 1e12 for n in numbers)
                except (LookupError, TypeError):
                    good = False
                if not good:
                    raise _refusal(path, f"it needs {length} numbers for {dtype}, {rank}, {way}")


def _refusal(path: str, reason: str) -> ValueError:
    return ValueError(
        f"{CALIBRATION} is {path!r}, but it must name a file that `fastconv calibrate -o` wrote "
        f"({reason})"
    )


@lru_cache(1024)
def cheapest(
    x: tuple[int, ...], w: tuple[int, ...], mode: str, dtype: str, threads: int
) -> str:  # fmt: skip
    """The way that should take the least time, for arrays of these shapes."""
    if all(1 in pair for pair in zip(x, w, strict=True)):
        return "fft"  # of no axis: SciPy multiplies
    each = estimates(x, w, mode, dtype, threads)
    return min(each, key=lambda way: each[way])


def estimates(
    x: tuple[int, ...], w: tuple[int, ...], mode: str, dtype: str, threads: int
) -> dict[str, float]:  # fmt: skip
    """The nanoseconds of each way."""
    work = work_of(x, w, mode)
    found = rates()[dtype][RANKS[min(len(x), len(RANKS)) - 1]]
    first, output, multiply = found["direct"]
    sums = work.outputs * output + work.multiplies * multiply
    each = {"direct": first + _divided(sums, threads if len(x) > 1 else 1)}
    first, point = found["fft"]
    each["fft"] = first + _divided(work.points * point, threads if len(x) > 1 else 1)
    if work.blocks > 1:
        first, block, point = found["overlap_add"]
        each["overlap_add"] = first + _divided(
            work.blocks * block + work.overlapped * point, threads
        )
    return each


def _divided(time: float, threads: int) -> float:
    """The time with several threads, if it is worth to wake them."""
    if time < costs.CONVOLVE_SEVERAL:
        return time
    return time / (1 + costs.CONVOLVE_THREAD * (threads - 1))


def work_of(x: tuple[int, ...], w: tuple[int, ...], mode: str) -> Work:
    """For arrays of these shapes."""
    from scipy.fft import next_fast_len

    full = [n + k - 1 for n, k in zip(x, w, strict=True)]
    valid = [abs(n - k) + 1 for n, k in zip(x, w, strict=True)]
    count = prod({"full": full, "same": x, "valid": valid}[mode])
    taps = min(prod(x), prod(w)) if mode != "same" else prod(w)
    multiplies = count * taps
    if len(x) == 1:  # what reaches out of the signal is left out
        n, k = x[0], w[0]
        if min(n, k) <= costs.CONVOLVE_SMALL:
            count = 0
        if mode == "full":
            multiplies = n * k
        elif mode == "same" and n >= k:
            multiplies -= (k // 2) * ((k + 1) // 2)
    points, block, blocks = 1, 1, 1
    for n, k in zip(x, w, strict=True):
        whole = max(n, k) if 1 in (n, k) else next_fast_len(n + k - 1, True)
        size, number = blocks_of(max(n, k), min(n, k))
        points *= whole
        block *= size or whole
        blocks *= number
    overlapped = (blocks + 1) * block * log2(max(2, block))
    return Work(count, multiplies, points * log2(max(2, points)), blocks, overlapped)


def blocks_of(n: int, k: int) -> tuple[int, int]:
    """The points of a block of overlap-add, and how many there are; (0, 1): it is cut nowhere."""
    if k == 1 or k >= n / 2:
        return 0, 1
    overlap, points = k - 1, 4.0 * k
    for _ in range(5):  # an output takes least where points = overlap * (1 + ln(2 points))
        points = overlap * (1 + log(2 * points))
    points = ceil(points)
    return (points, ceil((n + 1) / (points - overlap))) if points < n else (0, 1)
