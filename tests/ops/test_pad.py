# SPDX-License-Identifier: BSD-3-Clause
"""pad: any number of axes, every border, dtype and layout."""

import os
import pickle
import re

import numpy as np
import pytest
from arrays import BF16, EVERY, READABLE, WRITEABLE, numbers
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from patches import padded
from ways import ISAS

import fastconv
from fastconv import pad, plan
from fastconv._spec.borders import MODES

EXAMPLES = int(os.environ.get("FASTCONV_EXAMPLES", "400"))
IN_NUMPY = {"mirror": "reflect"}  # other words are the same


def assert_moved(got, expected):
    """The same bits, in this machine's byte order."""
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype.newbyteorder("=")
    assert got.tobytes() == expected.astype(got.dtype).tobytes()


def with_isa(isa, *arguments, **said):
    with fastconv.settings(isa=isa):
        return pad(*arguments, **said)


@pytest.mark.parametrize("mode", sorted(MODES))
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 5), (2, 1, 3, 2, 3), (7, 5, 3)])
@pytest.mark.parametrize("width", [0, 1, (2, 1), ((3, 0),), (0, 11)])
def test_it_is_that_of_numpy(mode, shape, width):
    x = numbers(shape, "i2")
    assert_moved(pad(x, width, mode), np.pad(x, width, IN_NUMPY.get(mode, mode)))
    if mode == "constant":
        expected = np.pad(x, width, constant_values=-7)
        assert_moved(pad(x, width, mode, -7), expected)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", EVERY, ids=str)
@pytest.mark.parametrize("layout", sorted(READABLE))
def test_any_dtype_and_layout(isa, dtype, layout):
    x = READABLE[layout](numbers((2, 3, 37), dtype))
    pads, modes = ((0, 2), (-1, 1), (3, 1)), ("wrap", "edge", "constant")
    assert_moved(with_isa(isa, x, pads, modes, 1), padded(x, pads, modes, 1))
    modes = ("symmetric", "constant", "mirror")
    assert_moved(with_isa(isa, x, pads, modes), padded(x, pads, modes))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("last", [*range(1, 18), 31, 32, 33, 65])
@pytest.mark.parametrize("mode", sorted(MODES))
def test_elements_of_several_numbers(isa, last, mode):
    """Channels at the end that are not padded move together."""
    for dtype in ("u1", "u2", "f4", "c16"):
        x = numbers((3, 5, last), dtype)
        pads = ((1, 2), (7, 1), (0, 0))
        assert_moved(with_isa(isa, x, pads, mode), padded(x, pads, (mode,) * 3))
        swapped = x.astype(x.dtype.newbyteorder("S"))
        assert_moved(with_isa(isa, swapped, pads, mode), padded(x, pads, (mode,) * 3))


@pytest.mark.parametrize("to", sorted(WRITEABLE))
@pytest.mark.parametrize("dtype", ["f4", "u2", "c16", "?"])
def test_out(to, dtype):
    x = numbers((3, 5, 7), dtype)
    expected = padded(x, ((1, 1), (2, 2), (0, 3)), ("edge", "wrap", "mirror"))
    out = WRITEABLE[to](np.zeros(expected.shape, dtype))
    assert pad(x, ((1, 1), (2, 2), (0, 3)), ("edge", "wrap", "mirror"), out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_out_overlaps_the_input():
    memory = numbers((200,))
    x, out = memory[:100].reshape(10, 10), memory[20:164].reshape(12, 12)
    expected = pad(x.copy(), 1, "wrap")
    assert pad(x, 1, "wrap", out=out) is out
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    ("shape", "pads"),
    [
        ((300007,), ((5, 7),)),
        ((37, 61, 67), ((0, 0), (1, 1), (2, 3))),
        ((301, 299, 3), ((8, 8), (8, 8), (0, 0))),
        ((101, 17, 7, 5), ((0, 0), (0, 0), (1, 1), (1, 1))),
        ((2, 500, 501), ((0, 0), (400, 700), (1100, 0))),
    ],
    ids=str,
)
@pytest.mark.parametrize("mode", ["constant", "wrap", "mirror"])
def test_any_number_of_threads(threads, shape, pads, mode):
    x = numbers(shape)
    expected = np.pad(x, pads, IN_NUMPY.get(mode, mode))
    assert_moved(pad(x, pads, mode, threads=threads), expected)


def test_any_number_of_axes():
    most = 64
    x = np.arange(6).reshape((1,) * 30 + (2,) + (1,) * 31 + (3, 1))
    assert x.ndim == most
    pads = [(0, 0)] * most
    pads[30], pads[62], pads[5] = (1, 0), (0, 2), (0, 1)
    assert_moved(pad(x, pads, "wrap"), np.pad(x, pads, "wrap"))
    point = pad(np.float32(3), 5)
    assert (point.shape, point.dtype, float(point)) == ((), np.float32, 3.0)
    assert pad(7, ()) == 7


def test_sizes_of_zero():
    assert pad(np.ones((0, 3)), ((0, 0), (1, 1))).shape == (0, 5)
    np.testing.assert_array_equal(pad(np.ones((0, 3)), ((1, 0), (0, 0))), np.zeros((1, 3)))
    np.testing.assert_array_equal(pad(np.ones((3, 2)), ((-2, -1), (0, 0))), np.ones((0, 2)))
    np.testing.assert_array_equal(pad([1, 2, 3], (-5, 4), "edge"), [3, 3])
    np.testing.assert_array_equal(pad([1, 2, 3], (-2, 0)), [3])


def test_borders_read_what_they_say_however_far():
    x = np.arange(3)
    at = np.arange(-50, 53)
    for mode, places in (
        ("wrap", at % 3),
        ("symmetric", np.minimum(at % 6, -1 - at % -6 + 5)),
        ("edge", np.clip(at, 0, 2)),
    ):
        got = pad(x, 50, mode)
        if mode == "symmetric":
            places = [(p % 6) if p % 6 < 3 else 5 - p % 6 for p in at]
        np.testing.assert_array_equal(got, np.asarray(places))
    np.testing.assert_array_equal(pad([7], 4, "mirror"), [7] * 9)


@st.composite
def problems(draw):
    """(array, padding, modes, value)."""
    rank = draw(st.integers(0, 5))

    def per_axis(entries):
        return tuple(draw(st.lists(entries, min_size=rank, max_size=rank)))

    side = st.sampled_from([0, 0, 0, 1, 2, 7, -1, -2])
    shape, pads = per_axis(st.integers(0, 4)), per_axis(st.tuples(side, side))
    modes = per_axis(st.sampled_from(sorted(MODES)))
    for n, (before, after), mode in zip(shape, pads, modes, strict=True):
        assume(n + before + after >= 0)
        assume(n or mode == "constant" or max(before, after) <= 0)
    x = numbers(shape, draw(st.sampled_from(EVERY)))
    if rank >= 2:
        x = READABLE[draw(st.sampled_from(sorted(READABLE.keys() - {"channels last"})))](x)
    value = draw(st.sampled_from([0, 1])) if "constant" in modes else 0
    return x, pads, modes, value


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(problem=problems(), threads=st.sampled_from([1, 2, 3]), isa=st.sampled_from(ISAS))
def test_against_the_truth(problem, threads, isa):
    x, pads, modes, value = problem
    expected = padded(x, pads, modes, value)
    if not x.ndim:
        modes = "constant"
    assert_moved(with_isa(isa, x, pads, modes, value, threads=threads), expected)
    assert_moved(pad(x, pads, modes, value, algorithm="reference"), expected)


def test_the_value_is_one_of_the_dtype():
    assert pad(np.ones(1, "c8"), (1, 0), value=2 + 3j).tolist() == [2 + 3j, 1]
    assert pad(np.ones(1, ">c16"), (1, 0), value=2 + 3j).tolist() == [2 + 3j, 1]
    assert pad(np.ones(1, ">i4"), (1, 0), value=-2).tolist() == [-2, 1]
    assert pad(np.ones(1, "f2"), (1, 0), value=1e9).tolist() == [np.inf, 1]
    assert pad(np.ones(1, BF16), (1, 0), value=0.1).tolist()[0] == BF16.type(0.1)
    assert np.signbit(pad(np.ones(1), (1, 0), value=-0.0)[0])
    assert np.isnan(pad(np.ones(1), (1, 0), value=np.nan)[0])
    assert pad(np.ones(1, bool), (1, 1), value=False).tolist() == [False, True, False]


def test_a_plan():
    how = plan("pad", (64, 56, 56), ((0, 0), (1, 1), (2, 2)), "mirror", threads=2)
    assert (how.algorithm, how.threads, how.flops) == ("rows", 2, 0)
    assert how.output_shape == (64, 58, 60)
    assert how.pack == "input float32, border mirror"
    assert str(how).startswith("pad float32  64x56x56 -> 64x58x60\nrows  ")
    assert pickle.loads(pickle.dumps(how)) == how
    bounded = plan(pad, (1, 1_000_000), 3, ("edge", "constant"), 7)
    assert bounded.pack == "input float32, border edge constant 7.0"


X = np.ones((3, 4))


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (TypeError, (X, None), "pad: padding is None, but it must be an integer, or a pair "
         "(before, after), or 2 of them, one per axis"),
        (TypeError, (X, 1.5), "pad: padding is 1.5, but it must be an integer"),
        (ValueError, (X, (1, 2, 3)), "pad: padding is (1, 2, 3), but it must be an integer or a "
         "pair (before, after) for all axes, or 2 pairs, one per axis of the input"),
        (ValueError, (X, ((1, 2),) * 3), "pad: padding is ((1, 2), (1, 2), (1, 2)), but it must "),
        (ValueError, (X, ((1, 2), (1, 2, 3))), "pad: padding[1] is (1, 2, 3), but it must be a "
         "pair (before, after)"),
        (TypeError, (X, ((1, 2), (1, "a"))), "pad: padding[1][1] is 'a', but it must be an "),
        (ValueError, (X, ((1, 2), 3)), "pad: padding is ((1, 2), 3), but it must be "),
        (ValueError, (X, "same"), "pad: padding is 'same', but it must be an integer"),
        (ValueError, (X, ((0, 0), (-3, -2))), "pad: padding[1] is (-3, -2), but it must not crop "
         "more than the input has on that axis, which is 4"),
        (ValueError, (X, 1, "reflect"), "pad: mode is 'reflect', but it must be 'mirror' "
         "(dcb|abcd|cba, as in NumPy and PyTorch) or 'symmetric'"),
        (ValueError, (X, 1, "nearest"), "pad: mode is 'nearest', but its name here is 'edge'"),
        (ValueError, (X, 1, ("edge",) * 3), "pad: mode has 3 entries, but it must be one word or "
         "2 of them, one per axis"),
        (TypeError, (X, 1, 3), "pad: mode is 3, but it must be one of "),
        (ValueError, (X, 1, "edge", 1), "pad: value is 1.0, but it must be 0 for mode 'edge'; "
         "only 'constant' uses it"),
        (ValueError, (X.astype("u1"), 1, "constant", -1), "pad: value is -1, but it must be an "
         "integer from 0 to 255 for an input of uint8"),
        (TypeError, (X, 1, "constant", 1j), "pad: value is 1j, but it must be a real number"),
        (ValueError, (X[:0], 1, "wrap"), "pad: input has size 0 on axis 0, but it must be at "
         "least 1 for mode 'wrap'"),
        (ValueError, (X, 2**31 - 1), "pad: output of shape "),
        (TypeError, (X.astype("O"), 1), "pad: input has dtype object, but it must be "),
    ],
)  # fmt: skip
def test_errors(kind, arguments, message):
    kind = (TypeError, ValueError) if "'same'" in message else kind
    with pytest.raises(kind, match=f"^{re.escape(message)}"):
        pad(*arguments)
