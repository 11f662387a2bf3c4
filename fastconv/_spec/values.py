# SPDX-License-Identifier: BSD-3-Clause
"""One value of a user: an integer, a number, entries of a sequence; and how messages quote it.

An object of the user's may raise whatever it likes when it is read: it is refused by name.
"""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .dtypes import is_bfloat16

INDEX_MAX = 2**31 - 1  # stride, dilation and padding: times a size they stay below 2**63
LARGEST = 2**63 - 1  # of the integers that sums are multiplied by and clipped to
BYTES_MAX = np.iinfo(np.intp).max  # what NumPy and a C pointer difference can hold
FAR = (INDEX_MAX, LARGEST, BYTES_MAX)  # limits that nobody meets by chance

# ---- numbers -----------------------------------------------------------------------------------


def as_integer(
    name: str, argument: str, value: Any, low: int, high: int = INDEX_MAX, more: str = ""
) -> int:
    """`value` as an int in low..high; a bool or a float is none. `more` ends the message."""
    number = _index(value)
    if number is not None and low <= number <= high:
        return number
    kind = TypeError if number is None else ValueError
    raise kind(
        f"{name}: {argument} is {show(value if number is None else number)}, "
        f"but it must be {_an_integer(number, low, high)}{more}"
    )


def _index(value: Any) -> int | None:
    """`value` as an int, None if it is none."""
    try:
        return None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except Exception:  # of whatever an object of the user's raises
        return None


def is_integral(value: Any) -> bool:
    """Whether a value is an integer; a bool is none."""
    return _index(value) is not None


def is_masked(value: Any) -> bool:
    ma = sys.modules.get("numpy.ma")  # while it is not imported, no masked array exists
    return ma is not None and isinstance(value, ma.MaskedArray)


def is_flat(value: Any) -> bool:
    """Whether a value is a tuple or a list of numbers, which no array of channels could be."""
    numbers = (int, float, complex, np.generic)
    return isinstance(value, (tuple, list)) and all(isinstance(n, numbers) for n in value)


def _an_integer(number: int | None, low: int, high: int) -> str:
    """What is needed in place of `number`; a limit that nobody meets by chance is not told."""
    if high in FAR and (number is None or number <= high):
        if low >= -1:
            return f"an integer of at least {low}"
        if number is None:
            return "an integer"
    return f"an integer from {low} to {high}"


def as_number(
    name: str, argument: str, value: Any, integer: bool, complex_too: bool = False, more: str = ""
) -> Any:
    """`value` as a Python number: an int for integers, else real, or complex if `complex_too`.

    A number is what NumPy makes one of, or what ``float`` takes: `fractions.Fraction` and
    `decimal.Decimal` are some, words are none. `more` ends the message.
    """
    number = _scalar(value)
    if integer:
        number = int(number) if isinstance(number, bool) else value if number is None else number
        return as_integer(name, argument, number, -LARGEST - 1, LARGEST, more)
    if type(number) in (bool, float) or (isinstance(number, int) and number.bit_length() <= 64):
        return number
    form = "a number" if complex_too else "a real number"
    if number is not None and (
        complex_too or not isinstance(number, (complex, np.complexfloating))
    ):
        try:
            found = complex(number) if complex_too else float(number)
            if np.isfinite(found) or found == number or found != found:
                return found
            raise OverflowError
        except OverflowError:
            raise ValueError(
                f"{name}: {argument} is {show(value)}, but it must be {form} that a float can "
                f"hold, at most {sys.float_info.max:.2g}{more}"
            ) from None
        except Exception:  # of whatever an object of the user's raises
            pass
    raise TypeError(f"{name}: {argument} is {show(value)}, but it must be {form}{more}")


def _scalar(value: Any) -> Any:
    """The number that `value` is or holds, or an object that may be one; None for a word, and for
    what has axes or a mask."""
    if is_masked(value):
        return None
    try:
        array = np.asarray(value)
        if array.ndim or not (array.dtype.kind in "biufcO" or is_bfloat16(array.dtype)):
            return None
        number = array.item()
    except Exception:  # of whatever an object of the user's raises
        return None
    if is_bfloat16(array.dtype):
        return array[()]
    return None if isinstance(number, (str, bytes, bytearray)) else number


def plain(value: Any) -> Any:
    """`value` as the number that it is or holds, so that later changes do not show; anything else
    as it is."""
    if type(value) in (int, float, complex, bool, str) or value is None:
        return value
    number = _scalar(value)
    return value if number is None else number


# ---- any object --------------------------------------------------------------------------------


def is_sequence(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))


def entries_of(name: str, argument: str, value: Any) -> tuple:
    """The entries of a sequence of the user's."""
    try:
        return tuple(value)
    except Exception as error:
        raise TypeError(
            f"{name}: {argument} is {show(value)}, but its entries cannot be read ({error!r})"
        ) from error


def settled(value: Any, depth: int = 0) -> Any:
    """A parameter that later changes of the user's object do not reach."""
    try:
        if isinstance(value, np.ndarray):
            value = value.tolist()
        if is_sequence(value) and depth < 3:  # deeper ones are refused anyway
            return tuple(settled(entry, depth + 1) for entry in value)
    except Exception:  # a check refuses it by name
        pass
    return value


def told_apart(value: Any) -> Any:
    """A key of any value: two are equal only if they are read as the same."""
    kind = type(value)
    try:
        if isinstance(value, str):  # of a class whose words may all print alike
            return kind, str.__str__(value)
        if is_sequence(value):
            return (kind, *map(told_apart, value))
        if (number := _index(value)) is not None:
            return kind, number
        if hasattr(kind, "__float__"):  # what prints of a number may be rounded, or its address
            return kind, repr(complex(value) if hasattr(kind, "__complex__") else float(value))
        if hasattr(kind, "__array__"):
            array = np.asarray(value)
            return kind, array.dtype, repr(array.tolist())
        return kind, repr(value)
    except Exception:  # a check refuses it by name
        return object()


def show(value: Any) -> str:
    """What a message quotes of `value`: short, whatever it is."""
    try:
        if isinstance(value, int) and value.bit_length() > 128:
            return "a huge integer"
        text = repr(value)
        return text if len(text) <= 60 and "\n" not in text else a_kind(value)
    except Exception:
        return a_kind(value)


def word_needed(value: Any, words: Iterable[str], here: str = "") -> str:
    """How a message goes on after `value`, which is none of `words`: with the one that is meant, if
    one can tell."""
    words = tuple(words)
    if isinstance(value, str) and value.lower() in words:
        return f"but its name here is {value.lower()!r}"
    return f"but it must be one of {', '.join(map(repr, words))}{here}"


def a_kind(value: Any) -> str:
    """What a value is, with an article."""
    if type(value) is np.ndarray:
        return f"an array of shape {value.shape}"
    word = type(value).__name__
    return f"a{'n' * (word[0] in 'aeiouAEIOU')} {word}"


def reworded(error: Exception, words: dict[str, str]) -> Exception:
    """An error with other words for its arguments."""
    if type(error) not in (TypeError, ValueError):  # not one of ours
        return error
    name, colon, text = str(error).partition(": ")
    if text.startswith("algorithm is "):  # that, and why, is said of the convolution that runs
        return error
    pattern = rf"\b({'|'.join(words)})\b"
    return type(error)(name + colon + re.sub(pattern, lambda found: words[found[0]], text))
