# SPDX-License-Identifier: BSD-3-Clause
"""One argument of a user at a time: read, normalised, or refused by name.

With `conv`, which puts arguments together, the only place that reads what a user passed and raises
for it: ``TypeError`` for a type, ``ValueError`` for a value. A message names the function and the
argument, what it got and what is needed: ``conv2d: stride is 0, but it must be ...``. An entry of a
sequence is named as Python writes it: ``padding[1][0]``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .axis import PADDINGS, Axis
from .borders import ELSEWHERE, MODES, Border
from .dtypes import components, find_dtype, is_bfloat16, is_integer, is_known, native
from .epilogue import ELSEWHERE as ACTIVATIONS_ELSEWHERE
from .epilogue import NAMED
from .values import (
    BYTES_MAX,
    INDEX_MAX,
    a_kind,
    as_integer,
    as_number,
    entries_of,
    is_integral,
    is_masked,
    is_sequence,
    plain,
    show,
    word_needed,
)

THREADS_MAX = 1024  # more is a mistake

RESULTS = "an integer dtype, float16, bfloat16, float32, float64, complex64 or complex128"
DTYPES = f"bool, {RESULTS}"

OF_INTEGERS = " where input and weight are integers, unless dtype is floating point"

Pair = tuple[int, int]


# ---- arrays ------------------------------------------------------------------------------------


def as_operand(name: str, argument: str, value: Any) -> np.ndarray:
    """`value` as a plain array of numbers, of any layout; an array is not copied."""
    if type(value) is np.ndarray and value.dtype.char in "fdB":
        return value
    if value is None:
        raise TypeError(f"{name}: {argument} is None, but it must be an array")
    array = as_array(name, argument, value)
    check_dtype(name, argument, array.dtype)
    return array


def as_array(name: str, argument: str, value: Any) -> np.ndarray:
    """`value` as a plain array of any dtype."""
    if type(value) is np.ndarray:
        return value
    if is_masked(value):
        raise TypeError(
            f"{name}: {argument} is a masked array, whose mask would be lost, but it must be an "
            f"array without a mask, such as {argument}.filled(0)"
        )
    try:
        return np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        tensor = (
            f"; of a tensor of PyTorch in bfloat16, pass {argument}.float(), or "
            f"{argument}.view(torch.int16).numpy().view(ml_dtypes.bfloat16)"
        )
        raise kind(
            f"{name}: {argument} is {a_kind(value)} that NumPy cannot make an array of ({error}), "
            "but it must be an array or nested lists of equal lengths"
            + tensor
            * ("ScalarType BFloat16" in str(error))
        ) from error


def check_dtype(name: str, argument: str, dtype: np.dtype, needed: str = DTYPES) -> None:
    """Raise unless numbers of this dtype are read and written."""
    if not is_known(dtype):
        raise TypeError(f"{name}: {argument} has dtype {dtype}, but it must be {needed}")


def check_mask(name: str, mask: tuple[int, ...], dtype: np.dtype, shape: tuple[int, ...]) -> None:
    """Raise unless an array of this shape says of each element of the input whether it counts."""
    if components(dtype) == 2:
        raise TypeError(f"{name}: where has dtype {dtype}, but it must be bool or real")
    try:
        fits = np.broadcast_shapes(mask, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        of_pixels = shape[-1 - len(mask) : -1] == mask
        raise ValueError(
            f"{name}: where has shape {mask}, but it must broadcast to {shape}, that of input"
            + "; write where[..., None] for a mask of all channels" * of_pixels
        )


def as_dtype(name: str, value: Any, needed: str = RESULTS) -> np.dtype | None:
    """`value` as the dtype of an output; None says nothing."""
    if value is None:
        return None
    try:
        dtype = find_dtype(value)
    except ModuleNotFoundError:
        needs = "dtype 'bfloat16' needs ml_dtypes: pip install ml_dtypes"
        raise ModuleNotFoundError(f"{name}: {needs}") from None
    except Exception:  # of whatever an object of the user's raises
        raise TypeError(f"{name}: dtype is {show(value)}, but it must be {needed}") from None
    if not is_known(dtype):
        raise TypeError(f"{name}: dtype is {dtype}, but it must be {needed}")
    return native(dtype)


def as_shape(name: str, argument: str, value: Any) -> tuple[int, ...]:
    """`value` as a shape: a tuple of sizes."""
    if not isinstance(value, tuple) or any(not is_integral(n) for n in value):
        needed = "an array or a shape, which is a tuple of integers"
        raise TypeError(f"{name}: {argument} is {show(value)}, but it must be {needed}")
    return tuple(as_integer(name, f"{argument}[{i}]", n, 0, BYTES_MAX) for i, n in enumerate(value))


# ---- words -------------------------------------------------------------------------------------


def as_flag(name: str, argument: str, value: Any) -> bool:
    """`value` as a bool; a number is none."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: {argument} is {show(value)}, but it must be True or False")
    return bool(value)


def check_threads(name: str, threads: Any) -> int | None:
    """`threads` as an int, or None for the setting in force."""
    return None if threads is None else as_integer(name, "threads", threads, 1, THREADS_MAX)


def check_algorithm(name: str, algorithm: Any, known: Sequence[str]) -> str:
    """`algorithm` if it is "auto" or one of `known`."""
    if isinstance(algorithm, str) and (algorithm == "auto" or algorithm in known):
        return algorithm
    kind = ValueError if isinstance(algorithm, str) else TypeError
    needed = word_needed(algorithm, dict.fromkeys(("auto", *known)))
    raise kind(f"{name}: algorithm is {show(algorithm)}, {needed}")


def as_function(
    name: str, value: Any, known: Iterable[Callable], having: str = "", other: str = "or a layer"
) -> Callable:
    """The function of `known` that `value` is, or is the name of. `having`: what these functions
    have; `other`: what else there is."""
    for function in known:
        if value is function or (isinstance(value, str) and value == function.__name__):
            return function
    kind = ValueError if isinstance(value, str) else TypeError
    words = ", ".join(repr(function.__name__) for function in known)
    needed = f"but it must be a function of fastconv{having} or its name, one of {words}, {other}"
    raise kind(f"{name}: operation is {show(value)}, {needed}")


def check_keywords(name: str, keywords: Iterable[str], later: Iterable[str]) -> None:
    """Raise for arguments that only the call of a layer takes."""
    for word in later:
        if word in keywords:
            raise TypeError(f"{name}: {word} is given, but it must be passed to the layer instead")


# ---- one value per spatial axis ----------------------------------------------------------------


def per_axis(
    name: str,
    argument: str,
    rank: int,
    value: Any,
    read: Callable[[str, Any], Any],
    form: str,
    more: str = "",
) -> tuple:
    """One value per axis, each through `read` (what it is called, the value); a single one stands
    for all axes."""
    if not is_sequence(value):
        return (read(argument, value),) * rank
    entries = entries_of(name, argument, value)
    if len(entries) not in (1, rank):
        several = "" if rank == 1 else f" or {rank} of them, one per axis"
        count = f"{len(entries)} entr{'y' if len(entries) == 1 else 'ies'}"
        raise ValueError(
            f"{name}: {argument} has {count}, but it must be one {form}{several}{more}"
        )
    found = tuple(read(f"{argument}[{i}]", entry) for i, entry in enumerate(entries))
    return found * (rank // len(found))


def positive_per_axis(name: str, argument: str, rank: int, value: Any) -> tuple[int, ...]:
    """Stride or dilation: integers of at least 1."""
    return integers_per_axis(name, argument, rank, value, 1)


def integers_per_axis(
    name: str,
    argument: str,
    rank: int,
    value: Any,
    low: int,
    high: int = INDEX_MAX,
    other: str = "",
) -> tuple[int, ...]:
    """Integers from `low` to `high`; `other`: in words, what else there may be."""

    def read(called: str, entry: Any) -> int:
        more = f" (or one per axis{other})" if called == argument else ""
        return as_integer(name, called, entry, low, high, more)

    return per_axis(name, argument, rank, value, read, "integer", other)


def padding_per_axis(
    name: str, padding: Any, axes: Sequence[tuple[int, int, int, int]]
) -> tuple[Pair, ...]:
    """(before, after) per axis; `axes` holds (n, k, stride, dilation) of each."""
    words = ", ".join(map(repr, PADDINGS))
    if isinstance(padding, str):
        if padding in PADDINGS:
            return tuple(PADDINGS[padding](Axis(*axis)) for axis in axes)
        needed = f"but it must be an integer (or one per axis) or one of {words}"
        if padding.lower() in PADDINGS:
            needed = f"but its name here is {padding.lower()!r}"
        elif padding.lower() in {**MODES, **ELSEWHERE}:
            needed += "; what the padding holds is said by padding_mode"
        raise ValueError(f"{name}: padding is {show(padding)}, {needed}")

    def read(called: str, entry: Any) -> Pair:
        if not is_sequence(entry):
            more = f" (or one per axis) or one of {words}"
            more = more if called == "padding" else " or a pair (before, after)"
            return (as_integer(name, called, entry, -INDEX_MAX, more=more),) * 2
        sides = entries_of(name, called, entry)
        if len(sides) != 2:
            raise ValueError(
                f"{name}: {called} is {show(entry)}, but it must be an integer or a pair "
                "(before, after)"
            )
        before, after = (
            as_integer(name, f"{called}[{i}]", side, -INDEX_MAX) for i, side in enumerate(sides)
        )
        return before, after

    more = f", or {_in_pairs(['before', 'after'] * len(axes))}"
    if is_sequence(padding):
        more += _flat_hint(entries_of(name, "padding", padding), len(axes))
    return per_axis(name, "padding", len(axes), padding, read, "integer", more)


def _in_pairs(sides: Sequence[str]) -> str:
    """``((0, 1), (2, 3))`` for the words 0, 1, 2, 3."""
    pairs = [f"({before}, {after})" for before, after in zip(sides[::2], sides[1::2], strict=True)]
    return f"({', '.join(pairs)}{',' * (len(pairs) == 1)})"


def _flat_hint(padding: Sequence[Any], rank: int) -> str:
    """What to write for both sides of all axes in a row, the last axis first."""
    if len(padding) != 2 * rank or any(map(is_sequence, padding)):
        return ""
    axes = reversed(range(0, 2 * rank, 2))
    sides = _in_pairs([show(plain(padding[i])) for at in axes for i in (at, at + 1)])
    return f"; if it is in the order of torch.nn.functional.pad, write {sides}"


def borders_per_axis(name: str, rank: int, padding_mode: Any, value: Any) -> tuple[Border, ...]:
    """One mode for each axis; a constant of 0 is a border that adds nothing."""

    def read(called: str, word: Any) -> Border:
        if isinstance(word, str) and word in MODES:
            border = MODES[word]
            return Border.CONSTANT if border is Border.ZERO and value != 0 else border
        kind = ValueError if isinstance(word, str) else TypeError
        raise kind(f"{name}: {called} is {show(word)}, {border_needed(word)}")

    borders = per_axis(name, "padding_mode", rank, padding_mode, read, "word")
    if value != 0 and Border.CONSTANT not in borders:
        raise ValueError(
            f"{name}: padding_value is {show(value)}, but it must be 0 for padding_mode "
            f"{show(padding_mode)}; only 'constant' uses it"
        )
    return borders


def border_needed(word: Any) -> str:
    """How a message goes on after `word`, which is no mode: the one that is meant, if one can
    tell."""
    lower = word.lower() if isinstance(word, str) else None
    hint = repr(lower) if lower in MODES else ELSEWHERE.get(lower)
    if lower == "reflect":
        return f"but it must be {hint}"
    if hint:
        return f"but its name here is {hint}"
    return f"but it must be one of {', '.join(repr(mode) for mode in sorted(MODES))}"


def as_border_value(name: str, value: Any, dtype: np.dtype) -> Any:
    """`value` as the input holds it."""
    if not is_integer(dtype):
        number = as_number(name, "padding_value", value, False, components(dtype) == 2)
        with np.errstate(over="ignore"):
            held = np.asarray(number).astype(native(dtype))  # float reads bfloat16 as native
        return float(held) if is_bfloat16(dtype) else held.item()
    more = f" for an input of {dtype}"
    if dtype.kind == "b":
        number = as_number(name, "padding_value", value, True, more=more)
        return as_integer(name, "padding_value", number, 0, 1, more)
    limits = np.iinfo(dtype)
    return as_integer(name, "padding_value", value, int(limits.min), int(limits.max), more)


def as_activation(
    name: str, value: Any, integer: bool, result: np.dtype
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
        form = _activation_form(word)
        raise ValueError(f"{name}: activation is {show(value)}, but it must be {form}")
    if components(result) == 2:
        raise TypeError(
            f"{name}: activation is {show(value)}, but it must be None for a result of {result}"
        )
    if integer and not row.integer:
        words = ", ".join(_activation_form(w) for w, r in NAMED.items() if r.integer)
        needed = f"None or one of {words}{OF_INTEGERS}"
        raise TypeError(f"{name}: activation is {show(value)}, but it must be {needed}")
    more = OF_INTEGERS if integer else ""
    numbers = tuple(
        as_number(name, f"activation's {label}", number, integer, more=more)
        for label, number in zip(labels, given, strict=True)
    )
    if word == "clip" and not numbers[0] <= numbers[1]:
        raise ValueError(f"{name}: activation is {show(value)}, but low must be at most high")
    return word, numbers


def _activation_form(word: str) -> str:
    """How it is written, with its parameters."""
    row = NAMED.get(word)
    return f"({word!r}, {row.parameters})" if row and row.parameters else repr(word)


def _activation_needed(word: Any) -> str:
    """How a message goes on after `word`: with the activation that is meant, if one can tell."""
    lower = word.lower() if isinstance(word, str) else ""
    meant = ACTIVATIONS_ELSEWHERE.get(lower, lower)
    if meant in (*NAMED, "none"):
        return f"but its name here is {_activation_form(meant)}"
    return f"but it must be None or one of {', '.join(map(_activation_form, NAMED))}"
