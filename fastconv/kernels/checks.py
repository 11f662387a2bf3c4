# SPDX-License-Identifier: BSD-3-Clause
"""The arguments of the named kernels: read, or refused by name.

`fastconv._spec.arguments` stands above this room, which imports nothing of the package.
"""

from __future__ import annotations

import math
import operator
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


def as_integer(name: str, argument: str, value: Any, low: int, high: int, odd: bool = False) -> int:
    needed = f"an {'odd ' * odd}integer from {low} to {high} is needed"
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: {argument} is {show(value)}, {needed}") from None
    if not low <= number <= high or (odd and number % 2 == 0):
        raise ValueError(f"{name}: {argument} is {show(number)}, {needed}")
    return number


def as_number(name: str, argument: str, value: Any) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name}: {argument} is {show(value)}, a real number is needed")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name}: {argument} is {show(value)}, a finite number is needed")
    return number


def as_positive(name: str, argument: str, value: Any) -> float:
    number = as_number(name, argument, value)
    if number <= 0:
        raise ValueError(f"{name}: {argument} is {show(value)}, a number above 0 is needed")
    return number


def as_pair(name: str, argument: str, value: Any, read: Callable[[Any], T]) -> tuple[T, T]:
    if not isinstance(value, (tuple, list, np.ndarray)) or np.ndim(value) == 0:
        return (read(value),) * 2
    if len(value) != 2:
        raise ValueError(f"{name}: {argument} has {len(value)} entries, one or two are needed")
    return read(value[0]), read(value[1])


def as_sizes(name: str, size: Any, odd: bool = False) -> tuple[int, int]:
    high = SIZE_MAX - odd
    return as_pair(name, "size", size, lambda n: as_integer(name, "size", n, 1, high, odd))


def as_truncate(name: str, value: Any) -> float:
    number = as_number(name, "truncate", value)
    if number < 0:
        raise ValueError(f"{name}: truncate is {show(value)}, a number from 0 is needed")
    return number


def span_of_gaussian(name: str, sigma: float, truncate: float) -> int:
    """Pixels from -radius to radius, whose radius is that of scipy.ndimage."""
    reach = truncate * sigma + 0.5
    if reach >= REACH_MAX + 1:
        raise ValueError(
            f"{name}: sigma is {sigma:g} with truncate {truncate:g} and no size; their product "
            f"must be below {REACH_MAX + 0.5:g}, or a size is needed"
        )
    return 2 * int(reach) + 1


def span_of_gabor(sigma: float, gamma: float, reach: float) -> int:
    """Pixels from -reach to reach, a reach of three standard deviations."""
    if reach > REACH_MAX:
        raise ValueError(
            f"gabor: sigma is {sigma:g} with gamma {gamma:g} and no size; 3 * sigma and "
            f"3 * sigma / gamma must be at most {REACH_MAX}, or a size is needed"
        )
    return 2 * round(reach) + 1


def check_finite(name: str, array: Array, given: str, needed: str) -> None:
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: {given}, {needed} is needed")


def as_matrix(name: str, argument: str, value: Any) -> Array:
    needed = "a 2-D array of real numbers is needed"
    try:
        array = np.asarray(value)
    except ValueError as error:  # rows of unequal length
        raise ValueError(f"{name}: {argument} is no array ({error}), {needed}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: {argument} has dtype {array.dtype}, {needed}")
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name}: {argument} has shape {array.shape}, {needed}")
    taps = array.astype(np.float64)
    if not np.isfinite(taps).all():
        raise ValueError(f"{name}: {argument} holds inf or NaN, finite numbers are needed")
    return taps


def show(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > 128:
        return "a huge integer"
    text = repr(value)
    return text if len(text) <= 60 and "\n" not in text else f"a {type(value).__name__}"
