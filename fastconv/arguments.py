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

from .boundary import ELSEWHERE, MODES, Border
from .dtypes import is_bfloat16, is_known, is_whole, native, parts
from .finishing import ELSEWHERE as ACTIVATIONS_ELSEWHERE
from .finishing import NAMED
from .sizes import PADDINGS

INDEX_MAX = 2**31 - 1  # stride, dilation and padding: times a size they stay below 2**63
LARGEST = 2**63 - 1  # of the integers that sums are multiplied by and clipped to
BYTES_MAX = np.iinfo(np.intp).max  # what NumPy and a C pointer difference can hold
THREADS_MAX = 1024  # an OpenMP runtime ends the process when it cannot start a thread

RESULTS = "an integer, float16, bfloat16, float32, float64, complex64 or complex128"
DTYPES = f"bool, {RESULTS}"

Pair = tuple[int, int]


# ---- arrays ------------------------------------------------------------------------------------


def as_operand(name: str, argument: str, value: Any) -> np.ndarray:
    """`value` as a plain array of numbers, of any layout; an array is not copied."""
    if type(value) is np.ndarray and value.dtype.char in "fdB":
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


def check_dtype(name: str, argument: str, dtype: np.dtype, needed: str = DTYPES) -> None:
    """Raise unless numbers of this dtype are read and written."""
    if not is_known(dtype):
        raise TypeError(f"{name}: {argument} has dtype {dtype}, {needed} is needed")


def as_dtype(name: str, value: Any, needed: str = RESULTS) -> np.dtype | None:
    """`value` as the dtype of an output; None says nothing."""
    if value is None:
        return None
    try:
        dtype = np.dtype(value)
    except TypeError:
        raise TypeError(f"{name}: dtype is {show(value)}, {needed} is needed") from None
    check_dtype(name, "dtype", dtype, needed)
    return native(dtype)


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


def as_flag(name: str, argument: str, value: Any) -> bool:
    """`value` as a bool; a number is none."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: {argument} is {show(value)}, True or False is needed")
    return bool(value)


def as_number(name: str, argument: str, value: Any, whole: bool, parts: bool = False) -> Any:
    """`value` as a Python number: whole for integers, else real, or complex if `parts`."""
    needed = "an integer" if whole else "a number" if parts else "a real number"
    kinds = "biu" if whole else "biufc" if parts else "biuf"
    try:
        number = np.asarray(value)
        if number.ndim or not (number.dtype.kind in kinds or is_bfloat16(number.dtype)):
            raise TypeError
    except (TypeError, ValueError):
        raise TypeError(f"{name}: {argument} is {show(value)}, {needed} is needed") from None
    if not whole:
        return float(number) if number.dtype.kind == "V" else number.item()
    return as_integer(name, argument, int(number), -LARGEST - 1, LARGEST)


def plain(value: Any) -> Any:
    """`value` as a Python number, if it is one of any kind; later changes of it do not show."""
    if type(value) in (int, float, complex, bool, str) or value is None:
        return value
    try:
        number = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        return value  # refused, with its name, by who asks for a number
    if number.ndim or not (number.dtype.kind in "biufc" or is_bfloat16(number.dtype)):
        return value
    return float(number) if number.dtype.kind == "V" else number.item()


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
            needed = f"integers or one of {', '.join(PADDINGS)} is needed"
            if padding.lower() in PADDINGS:
                needed = f"{padding.lower()!r} is meant here"
            raise ValueError(f"{name}: padding is {show(padding)}, {needed}")
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


def borders_per_axis(name: str, rank: int, padding_mode: Any, value: Any) -> tuple[Border, ...]:
    """One mode for each axis; a constant of 0 is a border that adds nothing."""

    def read(word: Any) -> Border:
        if isinstance(word, str) and word in MODES:
            border = MODES[word]
            return Border.CONSTANT if border is Border.ZERO and value != 0 else border
        kind = ValueError if isinstance(word, str) else TypeError
        raise kind(f"{name}: padding_mode is {show(word)}, {border_needed(word)}")

    return per_axis(name, "padding_mode", rank, padding_mode, read, "one word or one per axis")


def border_needed(word: Any) -> str:
    """What a message asks for in place of `word`: the mode that is meant, if one can tell."""
    lower = word.lower() if isinstance(word, str) else None
    hint = repr(lower) if lower in MODES else ELSEWHERE.get(lower)
    if lower == "reflect":
        return f"which has two meanings: {hint} is needed"
    if hint:
        return f"{hint} is meant here"
    return f"one of {', '.join(repr(mode) for mode in sorted(MODES))} is needed"


def as_border_value(name: str, value: Any, dtype: np.dtype) -> Any:
    """`value` as the input holds it."""
    if not is_whole(dtype):
        number = as_number(name, "padding_value", value, False, parts(dtype) == 2)
        with np.errstate(over="ignore"):
            held = np.asarray(number).astype(dtype)
        return float(held) if is_bfloat16(dtype) else held.item()
    if dtype.kind == "b":
        return int(as_number(name, "padding_value", value, True) != 0)
    limits = np.iinfo(dtype)
    return as_integer(name, "padding_value", value, int(limits.min), int(limits.max))


def as_activation(
    name: str, value: Any, whole: bool, result: np.dtype
) -> tuple[str | None, tuple[Any, ...]]:
    """The name of an activation and its parameters, from a word or a tuple that begins with one."""
    if value is None or (isinstance(value, str) and value == "none"):
        return None, ()
    word, *given = value if isinstance(value, (tuple, list)) and value else (value,)
    if not isinstance(word, str) or word not in NAMED:
        kind = ValueError if isinstance(word, str) else TypeError
        raise kind(f"{name}: activation is {show(value)}, {_activation_needed(word)}")
    row = NAMED[word]
    labels = row.parameters.split(", ") if row.parameters else []
    if len(given) != len(labels):
        needed = _activation_form(word)
        raise ValueError(f"{name}: activation is {show(value)}, {needed} is needed")
    if parts(result) == 2:
        raise TypeError(f"{name}: activation is {show(value)}, None is needed for {result}")
    if whole and not row.whole:
        words = ", ".join(repr(w) for w, r in NAMED.items() if r.whole)
        raise TypeError(
            f"{name}: activation is {show(value)}, one of {words} is needed for integers"
        )
    numbers = tuple(
        as_number(name, f"activation's {label}", number, whole)
        for label, number in zip(labels, given, strict=True)
    )
    if word == "clip" and not numbers[0] <= numbers[1]:
        raise ValueError(f"{name}: activation is {show(value)}, low <= high is needed")
    return word, numbers


def _activation_form(word: str) -> str:
    """How it is written, with its parameters."""
    row = NAMED.get(word)
    return f"({word!r}, {row.parameters})" if row and row.parameters else repr(word)


def _activation_needed(word: Any) -> str:
    """What a message asks for in place of `word`: the activation that is meant, if one can tell."""
    lower = word.lower() if isinstance(word, str) else ""
    meant = ACTIVATIONS_ELSEWHERE.get(lower, lower)
    if meant in (*NAMED, "none"):
        return f"{_activation_form(meant)} is meant here"
    return f"None or one of {', '.join(map(_activation_form, NAMED))} is needed"


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
