# SPDX-License-Identifier: BSD-3-Clause
"""One argument of a user at a time: read, normalised, or refused by name.

With `spec`, which puts arguments together, the only place that reads what a user passed and raises
for it: ``TypeError`` for a type, ``ValueError`` for a value. A message names the function and the
argument, what it got and what is needed.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .sizes import PADDINGS

INDEX_MAX = 2**31 - 1  # stride, dilation and padding: times a size they stay below 2**63
BYTES_MAX = np.iinfo(np.intp).max  # what NumPy and a C pointer difference can hold
THREADS_MAX = 1024  # an OpenMP runtime ends the process when it cannot start a thread

FLOATS = "fd"  # dtype characters computed in: float32 and float64, in either byte order
PLANNED = "?bBhHiIlLqQeFD"  # dtype characters not computed in yet

Pair = tuple[int, int]


# ---- arrays ------------------------------------------------------------------------------------


def as_operand(name: str, argument: str, value: Any) -> np.ndarray:
    """`value` as a plain array of float32 or float64, of any layout; an array is not copied."""
    if type(value) is np.ndarray and value.dtype.char in FLOATS:
        return value
    if value is None:
        raise TypeError(f"{name}: {argument} is None, an array is needed")
    array = as_array(name, argument, value)
    check_dtype(name, argument, array.dtype)
    return array


def as_array(name: str, argument: str, value: Any) -> np.ndarray:
    """`value` as a plain array of any dtype."""
    if type(value) is np.ndarray:
        return value
    if is_masked(value):
        raise TypeError(
            f"{name}: {argument} is a masked array, whose mask would be lost; an array without "
            f"a mask is needed, such as {argument}.filled(0)"
        )
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(
            f"{name}: {argument} is a {type(value).__name__} that NumPy cannot make an array of "
            f"({error}); an array is needed"
        ) from error


def is_masked(value: Any) -> bool:
    ma = sys.modules.get("numpy.ma")  # while it is not imported, no masked array exists
    return ma is not None and isinstance(value, ma.MaskedArray)


def check_dtype(name: str, argument: str, dtype: np.dtype) -> None:
    """Raise unless `dtype` is computed in."""
    if dtype.char in FLOATS:
        return
    if dtype.char in PLANNED:
        raise TypeError(
            f"{name}: {argument} has dtype {dtype}, "
            "which is not supported yet (float32 and float64 are)"
        )
    raise TypeError(f"{name}: {argument} has dtype {dtype}, float32 or float64 is needed")


def as_shape(name: str, argument: str, value: Any) -> tuple[int, ...]:
    """`value` as a shape: a tuple of sizes."""
    if not is_sequence(value):
        raise TypeError(f"{name}: {argument} is {show(value)}, a tuple of sizes is needed")
    return tuple(as_integer(name, argument, n, 0, BYTES_MAX) for n in value)


# ---- integers and words ------------------------------------------------------------------------


def as_integer(name: str, argument: str, value: Any, low: int, high: int = INDEX_MAX) -> int:
    """`value` as an int in low..high; a bool or a float is none."""
    needed = f"an integer from {low} to {high} is needed"
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: {argument} has {show(value)}, {needed}") from None
    if not low <= number <= high:
        raise ValueError(f"{name}: {argument} has {show(number)}, {needed}")
    return number


def check_threads(name: str, threads: Any) -> int | None:
    """`threads` as an int, or None for the setting in force."""
    return None if threads is None else as_integer(name, "threads", threads, 1, THREADS_MAX)


def check_algorithm(name: str, algorithm: Any, known: Sequence[str]) -> str:
    """`algorithm` if it is "auto" or one of `known`."""
    if isinstance(algorithm, str) and (algorithm == "auto" or algorithm in known):
        return algorithm
    kind = ValueError if isinstance(algorithm, str) else TypeError
    words = ", ".join(dict.fromkeys(("auto", *known)))
    raise kind(f"{name}: algorithm is {show(algorithm)}, one of {words} is needed")


# ---- one value per spatial axis ----------------------------------------------------------------


def per_axis(
    name: str, argument: str, rank: int, value: Any, read: Callable[[Any], Any], form: str
) -> tuple:
    """One value per axis, each through `read`; a single one stands for all axes."""
    if not is_sequence(value):
        return (read(value),) * rank
    if len(value) not in (1, rank):
        axes = "axis" if rank == 1 else "axes"
        raise ValueError(
            f"{name}: {argument} has {len(value)} entries for {rank} spatial {axes}, "
            f"{form} is needed"
        )
    entries = tuple(read(entry) for entry in value)
    return entries * (rank // len(entries))


def positive_per_axis(name: str, argument: str, rank: int, value: Any) -> tuple[int, ...]:
    """Stride or dilation: integers of at least 1."""

    def read(entry: Any) -> int:
        return as_integer(name, argument, entry, 1)

    return per_axis(name, argument, rank, value, read, "one integer or one per axis")


def padding_per_axis(
    name: str, padding: Any, axes: Sequence[tuple[int, int, int, int]]
) -> tuple[Pair, ...]:
    """(before, after) per axis; `axes` holds (input, kernel, stride, dilation) of each."""
    if isinstance(padding, str):
        if padding not in PADDINGS:
            words = ", ".join(PADDINGS)
            raise ValueError(
                f"{name}: padding is {show(padding)}, integers or one of {words} is needed"
            )
        return tuple(PADDINGS[padding](*axis) for axis in axes)

    def read(entry: Any) -> Pair:
        if not is_sequence(entry):
            return (as_integer(name, "padding", entry, -INDEX_MAX),) * 2
        if len(entry) != 2:
            raise ValueError(
                f"{name}: padding has {show(entry)} for one axis, "
                "an integer or a (before, after) pair is needed"
            )
        before, after = (as_integer(name, "padding", side, -INDEX_MAX) for side in entry)
        return before, after

    pairs = ", ".join(["(before, after)"] * len(axes)) + ("," if len(axes) == 1 else "")
    form = f"one integer, one per axis or ({pairs})"
    return per_axis(name, "padding", len(axes), padding, read, form)


def is_sequence(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))


def show(value: Any) -> str:
    """What a message quotes of `value`: short, whatever it is."""
    if isinstance(value, int) and value.bit_length() > 128:
        return "a huge integer"
    text = repr(value)
    return text if len(text) <= 60 and "\n" not in text else f"a {type(value).__name__}"
