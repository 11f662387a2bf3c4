# SPDX-License-Identifier: BSD-3-Clause
"""Single values: what is a number, and that an object which raises is refused by name."""

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import fastconv
from fastconv._spec import values

HALF = [0.5, np.float32(0.5), np.float16(0.5), np.longdouble(0.5), np.array(0.5), Fraction(1, 2),
        Decimal("0.5"), ml_dtypes.bfloat16(0.5), np.array(Fraction(1, 2), "O")]  # fmt: skip
LARGE = [2**70, np.longdouble(2) ** 70, Fraction(2**70), Decimal(2**70), -(2**90)]
TOO_LARGE = [10**400, -(10**400), Fraction(10**400), Decimal("1e400")]
NO_NUMBERS = ["0.5", b"1", np.str_("2"), np.array("3", "O"), [0.5], (1,), np.ones(1), None, {},
              np.datetime64(1, "s"), 1j, np.complex64(1), np.array(1j, "O"), float,
              Decimal("sNaN"), np.ma.masked, np.ma.array(1.0)]  # fmt: skip


class Floats:
    """Of the user's own: two of them print the same."""

    def __init__(self, value):
        self.value = value

    def __float__(self):
        return self.value

    def __repr__(self):
        return "Floats"


def read(value, whole=False, parts=False):
    return values.as_number("conv2d", "alpha", value, whole, parts)


@pytest.mark.parametrize("value", HALF, ids=values.show)
def test_what_float_takes_is_a_number(value):
    assert read(value) == 0.5
    assert type(read(value)) is float
    assert read(value, parts=True) == 0.5


@pytest.mark.parametrize("value", LARGE, ids=values.show)
def test_numbers_beyond_int64(value):
    assert (read(value), type(read(value))) == (float(value), float)
    assert read(value, parts=True) == float(value)


def test_numbers_stay_what_they_are():
    for value in (3, True, 2**63, -(2**63), 2**64 - 1, -0.0, np.inf):
        assert (read(value), type(read(value))) == (value, type(value))
    assert np.isnan(read(np.nan))
    assert read(Decimal("-Infinity")) == -np.inf
    assert read(np.uint64(2**64 - 1)) == 2**64 - 1
    assert read(1 + 2j, parts=True) == read(np.complex64(1 + 2j), parts=True) == 1 + 2j


@pytest.mark.parametrize("value", TOO_LARGE, ids=["int", "negative", "Fraction", "Decimal"])
def test_too_large_for_a_float(value):
    for parts in (False, True):
        with pytest.raises(
            ValueError, match=r"^conv2d: alpha is .*, but it must be .* that a float can hold, at"
        ):
            read(value, parts=parts)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=values.show)
def test_no_real_numbers(value):
    message = f"conv2d: alpha is {values.show(value)}, but it must be a real number"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        read(value)


def test_whole_numbers():
    for value in (5, True, np.int8(5), np.uint64(5), np.array(5), -(2**63), 2**63 - 1):
        assert read(value, whole=True) == int(value)
        assert type(read(value, whole=True)) is int
    for value in (5.0, np.float32(5), Fraction(5), Decimal(5), ml_dtypes.bfloat16(5), "5", [5]):
        with pytest.raises(TypeError, match=r"^conv2d: alpha is .*, but it must be an integer$"):
            read(value, whole=True)
    for value in (2**63, 2**70, -(2**63) - 1, np.uint64(2**63)):
        with pytest.raises(ValueError, match=r"^conv2d: alpha is .*, but it must be an integer "):
            read(value, whole=True)


def test_everywhere_in_a_call():
    x, w, out = np.ones((1, 7)), np.ones((1, 1, 3)), np.ones((1, 5))
    assert (fastconv.conv1d(x, w, alpha=2**70) == 3 * 2.0**70).all()
    got = fastconv.conv1d(x, w, alpha=Fraction(1, 2), beta=Decimal(2**70), out=out)
    assert (got == 2.0**70).all()
    got = fastconv.conv1d(x, w, padding=1, padding_value=2**70)
    assert got[0, 0] == 2.0**70
    got = fastconv.conv1d(x, w, activation=("clip", -(2**70), Fraction(1, 4)))
    assert (got == 0.25).all()
    layer = fastconv.prepare(w, padding=1, padding_value=Fraction(2**70), alpha=Decimal("0.5"))
    assert layer(x)[0, 0] == 2.0**69
    for said in ({"alpha": 10**400}, {"beta": 10**400}, {"padding_value": 10**400},
                 {"activation": ("clip", 0, 10**400)}):  # fmt: skip
        with pytest.raises(
            ValueError, match="is a huge integer, but it must be a real number that"
        ):
            fastconv.conv1d(x, w, **said)


def test_numbers_that_print_the_same_are_not_confused():
    x, w = np.ones((1, 7)), np.ones((1, 1, 3))
    for value in (0.5, 0.25, 2.0):
        assert (fastconv.conv1d(x, w, alpha=Floats(value)) == 3 * value).all()
        assert fastconv.conv1d(x, w, padding=1, padding_value=Floats(value))[0, 0] == 2 + value


# ---- objects that raise ------------------------------------------------------------------------


def boom(*_):
    raise RuntimeError("boom")


class Unprintable:
    __repr__ = boom


class NoIndex:
    __index__ = __float__ = __array__ = boom


class NoLength(Sequence):
    __len__ = __getitem__ = boom


class NoEntries(Sequence):
    __getitem__ = boom

    def __len__(self):
        return 2


def itself():
    circle = []
    circle.append(circle)
    return circle


ARGUMENTS = ["stride", "padding", "dilation", "groups", "padding_mode", "padding_value", "flip",
             "channels_last", "activation", "alpha", "beta", "dtype", "overflow", "algorithm",
             "threads", "bias"]  # fmt: skip
BAD = [Unprintable, NoIndex, NoLength, NoEntries, itself, bytes, lambda: b"\1\1",
       lambda: bytearray(b"\1\1"), lambda: [[[[1]]]], lambda: [itself(), 1],
       lambda: ("clip", itself(), Unprintable()), lambda: ("clip", NoIndex(), 1)]  # fmt: skip


@pytest.mark.parametrize("make", BAD)
@pytest.mark.parametrize("argument", ARGUMENTS)
def test_a_bad_object_is_refused_by_name(argument, make):
    x, w = np.ones((1, 7, 7)), np.ones((1, 1, 3, 3))
    calls = {
        "conv2d": lambda **said: fastconv.conv2d(x, w, **said),
        "prepare": lambda **said: fastconv.prepare(w, **said),
        "conv2d, planned": lambda **said: fastconv.plan(fastconv.conv2d, x, w, **said),
    }
    for name, call in calls.items():
        with pytest.raises((TypeError, ValueError), match=rf"^{name[:6]}\w*: {argument}\b"):
            call(**{argument: make()})


@pytest.mark.parametrize("make", [*BAD[:4], itself])
def test_bad_arrays_are_refused_by_name(make):
    good = np.ones((1, 1, 3))
    for argument in ("input", "weight", "residual", "out"):
        with pytest.raises((TypeError, ValueError), match=rf"^conv1d: {argument}\b"):
            fastconv.conv1d(**{"input": good, "weight": good} | {argument: make()})
    with pytest.raises((TypeError, ValueError), match=r"^prepare: weight\b"):
        fastconv.prepare(make())


def test_what_a_message_shows():
    assert values.show(10**400) == "a huge integer"
    assert values.show((10**5000,)) == "a tuple"
    assert values.show(Unprintable()) == "an Unprintable"
    assert values.show("x" * 99) == "a str"
    assert values.show(np.ones((3, 3))) == "an array of shape (3, 3)"
