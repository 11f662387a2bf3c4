# SPDX-License-Identifier: BSD-3-Clause
"""The arguments of the named kernels: read, or refused by name.

`fastconv._spec.arguments` stands above this room, which imports nothing of the package.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, SupportsIndex, TypeVar

import numpy as np

SIZE_MAX = 4096  # along one axis: the square has 128 MiB
REACH_MAX = (SIZE_MAX - 1) // 2

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Integers = SupportsIndex | Sequence[SupportsIndex]  # one, or one per axis
Floats = float | Sequence[float]
T = TypeVar("T")


# Each takes the name of the function and of the argument, for its message. (Sizes are "size".)


def as_integer(
    name: str, argument: str, value: Any, low: int, high: int | None, odd: bool = False
) -> int:
    limits = f"of at least {low}" if high is None else f"from {low} to {high}"
    needed = f"but it must be an {'odd ' * odd}integer {limits}"
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except Exception:  # of whatever an object of the user's raises
        raise TypeError(f"{name}: {argument} is {show(value)}, {needed}") from None
    if number < low or (high is not None and number > high) or (odd and number % 2 == 0):
        raise ValueError(f"{name}: {argument} is {show(number)}, {needed}")
    return number


def as_number(name: str, argument: str, value: Any) -> float:
    needed = "but it must be a real number"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name}: {argument} is {show(value)}, {needed}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    except Exception:  # of whatever an object of the user's raises
        raise TypeError(f"{name}: {argument} is {show(value)}, {needed}") from None
    if not math.isfinite(number):
        raise ValueError(f"{name}: {argument} is {show(value)}, but it must be a finite number")
    return number


def as_positive(name: str, argument: str, value: Any) -> float:
    number = as_number(name, argument, value)
    if number <= 0:
        raise ValueError(f"{name}: {argument} is {show(value)}, but it must be above 0")
    return number


def as_pair(name: str, argument: str, value: Any, read: Callable[[Any], T]) -> tuple[T, T]:
    if not isinstance(value, (tuple, list)) and not (isinstance(value, np.ndarray) and value.ndim):
        return (read(value),) * 2
    if len(value) == 1:
        return (read(value[0]),) * 2
    if len(value) != 2:
        needed = "but it must have one or two"
        raise ValueError(f"{name}: {argument} has {len(value)} entries, {needed}")
    return read(value[0]), read(value[1])


def as_sizes(name: str, size: Any, odd: bool = False) -> tuple[int, int]:
    high = SIZE_MAX - odd
    return as_pair(name, "size", size, lambda n: as_integer(name, "size", n, 1, high, odd))


def as_truncate(name: str, value: Any) -> float:
    number = as_number(name, "truncate", value)
    if number < 0:
        raise ValueError(f"{name}: truncate is {show(value)}, but it must be at least 0")
    return number


def span_of_gaussian(name: str, sigma: float, truncate: float) -> int:
    """Pixels from -radius to radius, whose radius is that of scipy.ndimage."""
    reach = truncate * sigma + 0.5
    if reach >= REACH_MAX + 1:
        raise ValueError(
            f"{name}: sigma is {sigma:g} with truncate {truncate:g} and no size, but their "
            f"product must be below {REACH_MAX + 0.5:g}; or pass a size"
        )
    return 2 * int(reach) + 1


def span_of_gabor(sigma: float, gamma: float, reach: float) -> int:
    """Pixels from -reach to reach, a reach of three standard deviations."""
    if reach > REACH_MAX:
        raise ValueError(
            f"gabor: sigma is {sigma:g} with gamma {gamma:g} and no size, but 3 * sigma and "
            f"3 * sigma / gamma must be at most {REACH_MAX}; or pass a size"
        )
    return 2 * round(reach) + 1


def check_finite(name: str, array: Array, given: str, needed: str) -> None:
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: {given}, but {needed}")


def as_taps(name: str, argument: str, value: Any) -> Array:
    needed = "but it must be an array of real numbers"
    ma = sys.modules.get("numpy.ma")  # while it is not imported, no masked array exists
    if ma is not None and isinstance(value, ma.MaskedArray):
        raise TypeError(f"{name}: {argument} is a masked array, {needed} without a mask")
    try:
        array = np.asarray(value)
    except ValueError:  # rows of unequal length
        raise ValueError(f"{name}: {argument} is {show(value)}, {needed}") from None
    except Exception:  # of whatever an object of the user's raises
        raise TypeError(f"{name}: {argument} is {show(value)}, {needed}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: {argument} has dtype {array.dtype}, {needed}")
    if array.size == 0 or array.ndim == 0:
        at_least = "but it must have at least one axis and one number"
        raise ValueError(f"{name}: {argument} has shape {array.shape}, {at_least}")
    taps = array.astype(np.float64)
    if not np.isfinite(taps).all():
        raise ValueError(f"{name}: {argument} holds inf or NaN, but its numbers must be finite")
    return taps


def show(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > 128:
        return "a huge integer"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    try:
        text = repr(value)
    except Exception:  # of whatever an object of the user's raises
        text = "\n"
    return text if len(text) <= 60 and "\n" not in text else f"a {type(value).__name__}"
