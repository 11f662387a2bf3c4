# SPDX-License-Identifier: BSD-3-Clause
"""What lies around an input, against numpy.pad and scipy.ndimage, however far windows reach."""

from itertools import product

import numpy as np
import pytest
import scipy.ndimage
from arrays import BF16, EVERY, numbers
from ways import ALGORITHMS, CONV, ISAS, run

import fastconv
from fastconv._spec import borders as boundary

pytestmark = pytest.mark.usefixtures("poisoned")

# The word here: that of numpy.pad, those of scipy.ndimage.
MODES = {
    "constant": ("constant", ("constant", "grid-constant")),
    "edge": ("edge", ("nearest",)),
    "wrap": ("wrap", ("wrap", "grid-wrap")),
    "mirror": ("reflect", ("mirror",)),
    "symmetric": ("symmetric", ("reflect", "grid-mirror")),
}
DRAWN = {
    "constant": "vvvabcdvvv",
    "edge": "aaaabcdddd",
    "wrap": "bcdabcdabc",
    "mirror": "dcbabcdcba",
    "symmetric": "cbaabcddcb",
}


def padded(x, pad, mode, axes, value=0):
    """numpy.pad of some axes; crops where `pad` is negative."""
    for axis, (before, after) in zip(axes, pad, strict=True):
        room = [(0, 0)] * x.ndim
        room[axis] = (max(0, before), max(0, after))
        how = {"constant_values": value} if mode[axis] == "constant" else {}
        x = np.pad(x, room, MODES[mode[axis]][0], **how)
        keep = slice(max(0, -before), x.shape[axis] - max(0, -after))
        x = np.moveaxis(np.moveaxis(x, axis, 0)[keep], 0, axis)
    return x


def constant(modes, value):
    """`padding_value`, where a mode uses it."""
    return {"padding_value": value} if "constant" in modes else {}


# ---- the rule ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_the_drawing(mode):
    abcd = np.frombuffer(b"abcd", "u1").reshape(1, 1, 4)
    one = np.ones((1, 1, 1), "u1")
    said = {"padding": 3, "padding_mode": mode} | constant([mode], ord("v"))
    got = fastconv.conv1d(abcd, one, **said, dtype="u1")
    assert got.tobytes().decode() == DRAWN[mode]


@pytest.mark.parametrize("lengths", range(1, 21))
@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("mode", MODES)
def test_any_number_of_lengths_beyond(mode, n, lengths):
    """Both sides, not in whole lengths: each position is the number that numpy.pad puts there."""
    x = np.arange(1, 2 * n + 1, dtype="i2").reshape(1, 2, n)
    one = np.eye(2, dtype="i2")[..., None]
    for after in (0, lengths * n - 1, lengths * n):
        pad = (lengths * n + (1 if after else 0), after)
        expected = padded(x, [pad], {2: mode}, [2], value=-3)
        for algorithm, last in product(ALGORITHMS, (False, True)):
            given = np.moveaxis(x, 1, -1) if last else x
            got = run(given, one, padding=(pad,), padding_mode=mode, **constant([mode], -3),
                      channels_last=last, algorithm=algorithm)  # fmt: skip
            np.testing.assert_array_equal(np.moveaxis(got, -1, 1) if last else got, expected)


@pytest.mark.parametrize("border", boundary.Border)
def test_the_rule_in_python(border):
    for n in (1, 2, 3, 7):
        x = np.arange(n)
        room = 6 * n + 1
        at = np.arange(-room, n + room)
        kept = {"constant": -1} if border.word == "constant" else {}
        how = {"constant_values": kept["constant"]} if kept else {}
        expected = np.pad(x, room, MODES[border.word][0], **how)
        np.testing.assert_array_equal(boundary.reach(border, at, n), expected)


# ---- convolutions ------------------------------------------------------------------------------

# (input, weight, padding)
SHAPES = {
    1: ((2, 3, 11), (5, 3, 4), ((7, 19),)),
    2: ((2, 3, 7, 11), (5, 3, 3, 2), ((2, 9), (13, 5))),
    3: ((2, 3, 3, 5, 7), (5, 3, 2, 3, 3), ((4, 1), (2, 7), (11, 3))),
}


def assert_padded(x, w, pad, modes, value=0, **said):
    """The convolution is that of the array that numpy.pad makes."""
    rank = w.ndim - 2
    axes = range(2, 2 + rank)
    by_axis = dict(zip(axes, modes, strict=True))
    expected = run(padded(x, pad, by_axis, axes, value), w, algorithm="reference", **said)
    for isa, algorithm, last in product(ISAS, ALGORITHMS, (False, True)):
        given = np.moveaxis(x, 1, -1) if last else x
        got = run(given, w, isa=isa, padding=tuple(pad), padding_mode=modes, channels_last=last,
                  algorithm=algorithm, **constant(modes, value), **said)  # fmt: skip
        got = np.moveaxis(got, -1, 1) if last else got
        if x.dtype.kind in "iu":
            np.testing.assert_array_equal(got, expected)
        else:
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("dtype", ["f4", "i2"])
@pytest.mark.parametrize("said", [{}, {"stride": 3}, {"dilation": 3}, {"flip": True}], ids=str)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rank", CONV)
def test_against_numpy_pad(rank, mode, said, dtype):
    src, wei, pad = SHAPES[rank]
    x, w = numbers(src, dtype), numbers(wei, dtype, seed=1)
    assert_padded(x, w, pad, (mode,) * rank, 2, **said)


@pytest.mark.parametrize("modes", list(product(MODES, MODES)), ids=" ".join)
def test_a_mode_for_each_axis(modes):
    """Corners see both modes: a constant in any axis wins."""
    src, wei, pad = SHAPES[2]
    assert_corner(numbers(src, "i4"), numbers(wei, "i1", seed=1), pad, modes, 5)


def assert_corner(x, w, pad, modes, value):
    """numpy.pad copies constants of an axis along the next, so constants come last."""
    rank = w.ndim - 2
    order = sorted(range(rank), key=lambda axis: modes[axis] == "constant")
    by_axis = {axis + 2: mode for axis, mode in enumerate(modes)}
    wide = padded(x, [pad[axis] for axis in order], by_axis, [axis + 2 for axis in order], value)
    expected = run(wide, w, algorithm="reference")
    for algorithm in ALGORITHMS:
        said = {"padding": pad, "padding_mode": modes} | constant(modes, value)
        np.testing.assert_array_equal(run(x, w, **said, algorithm=algorithm), expected)


@pytest.mark.parametrize("modes", [("wrap", "constant", "mirror"), ("constant", "edge", "edge"),
                                   ("symmetric", "wrap", "constant")], ids=" ".join)  # fmt: skip
def test_a_mode_for_each_of_three_axes(modes):
    src, wei, pad = SHAPES[3]
    assert_corner(numbers(src, "i4"), numbers(wei, "i1", seed=1), pad, modes, -7)


@pytest.mark.parametrize("mode", MODES)
def test_negative_padding_crops(mode):
    x, w = numbers((2, 3, 11, 13), "i2"), numbers((5, 3, 2, 3), "i2", seed=1)
    for pad in ([(-2, 5), (17, -3)], [(-1, -4), (-5, -2)], [(-7, 9), (-11, 4)]):
        assert_padded(x, w, pad, (mode, mode), 4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("word", ["same", "full", "same_lower"])
def test_padding_by_a_word(word, mode):
    x, w = numbers((1, 2, 7), "i4"), numbers((3, 2, 5), "i4", seed=1)
    pad = {"same": (2, 2), "full": (4, 4), "same_lower": (2, 2)}[word]
    for padding in (word, (pad,)):
        got = run(x, w, padding=padding, padding_mode=mode)
        expected = run(padded(x, [pad], {2: mode}, [2]), w)
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(("ours", "theirs"), [(o, t) for o, (_, ts) in MODES.items() for t in ts])
def test_against_scipy(ours, theirs, algorithm):
    """One channel; windows up to twice as long as the array."""
    for shape, kernel in (((11,), (23,)), ((7, 5), (5, 11)), ((5, 3, 4), (3, 7, 5))):
        if theirs == "wrap" and max(k // 2 - n for n, k in zip(shape, kernel, strict=True)) > 0:
            continue  # one length is as far as it goes
        x, w = numbers(shape, "f8"), numbers(kernel, "f8", seed=1)
        expected = scipy.ndimage.correlate(x, w, mode=theirs, cval=1.25)
        got = run(x[None], w[None, None], padding="same", padding_mode=ours, algorithm=algorithm,
                  **constant([ours], 1.25))  # fmt: skip
        np.testing.assert_allclose(got[0], expected, rtol=1e-12, atol=1e-12)


# ---- the constant ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", EVERY, ids=str)
def test_the_constant_in_every_dtype(dtype):
    value = {"c": 1.5 - 2j, "f": -1.5, "V": -1.5, "b": True}.get(dtype.kind, 113)
    x = np.zeros((1, 2, 3), dtype)
    w = np.ones((1, 2, 1), dtype)
    for algorithm, last in product(ALGORITHMS, (False, True)):
        given = np.moveaxis(x, 1, -1) if last else x
        got = run(given, w, padding=2, padding_value=value, channels_last=last, algorithm=algorithm)
        expected = np.array([2, 2, 0, 0, 0, 2, 2], got.dtype) * np.array(value, got.dtype)
        np.testing.assert_array_equal(got.ravel(), expected)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", BF16, "c8"], ids=str)
def test_a_constant_that_is_not_finite(dtype, value, algorithm):
    """Windows that reach it show it, unless a weight of 0 makes it NaN; no others do."""
    x, w = np.ones((1, 3, 5, 7), dtype), np.ones((2, 3, 3, 3), dtype)
    w[1] = 0
    with np.errstate(invalid="ignore"):
        got = run(x, w, padding=2, padding_value=value, algorithm=algorithm).astype("c16")
    inner = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    np.testing.assert_array_equal(got[inner][:, 0], 27)
    np.testing.assert_array_equal(got[inner][:, 1], 0)
    got[inner] = np.nan
    if np.isnan(value) or np.dtype(dtype).kind == "c":
        assert not np.isfinite(got).any()
    else:
        outer = np.ones(got.shape, bool)
        outer[inner] = False
        assert (got[0, 0][outer[0, 0]].real == value).all()
        assert np.isnan(got[0, 1].real).all()


@pytest.mark.parametrize("value", [0, 0.0, -0.0, False])
def test_a_constant_of_0_adds_nothing(value):
    """Even where the weight is not finite; any other number meets it."""
    x, w = np.ones((1, 1, 3), "f4"), np.full((1, 1, 3), np.nan, "f4")
    w[..., 1] = 1
    w[..., 2] = 0
    for algorithm in ALGORITHMS:
        said = {"padding": 1, "algorithm": algorithm}
        got = fastconv.conv1d(x, w, padding_value=value, **said)[0, 0]
        np.testing.assert_array_equal(got, [1, np.nan, np.nan])
        got = fastconv.conv1d(x, w, padding_value=1e-30, **said)[0, 0]
        np.testing.assert_array_equal(got, [np.nan] * 3)
        got = fastconv.conv1d(x, w, padding_mode="edge", **said)[0, 0]
        np.testing.assert_array_equal(got, [np.nan] * 3)


def test_the_constant_is_a_number_of_the_input():
    """As numpy.pad has it: rounded as the array that holds it would."""
    x, w = np.zeros((1, 1, 3), "f2"), np.ones((1, 1, 1), "f4")
    got = fastconv.conv1d(x, w, padding=1, padding_value=0.1)
    np.testing.assert_array_equal(got, np.pad(x, [(0, 0), (0, 0), (1, 1)], constant_values=0.1))


def test_a_value_of_bfloat16_in_the_other_byte_order():
    x, w = np.ones((1, 1, 3), BF16), np.ones((1, 1, 3), BF16)
    swapped = x.astype(BF16.newbyteorder("S"))
    got = fastconv.conv1d(swapped, w, padding=1, padding_value=2)
    np.testing.assert_array_equal(got, fastconv.conv1d(x, w, padding=1, padding_value=2))


@pytest.mark.parametrize("value", [2**63, 2**64 - 1])
def test_the_largest_constants(value):
    x, w = np.zeros((1, 1, 3), "u8"), np.ones((1, 1, 1), "u8")
    for algorithm in ALGORITHMS:
        said = {"padding": 1, "padding_value": value, "dtype": "u8", "algorithm": algorithm}
        assert fastconv.conv1d(x, w, **said).tolist() == [[[value, 0, 0, 0, value]]]


# ---- what is refused ---------------------------------------------------------------------------


def refused(kind, x=(1, 1, 5), dtype="f4", **said):
    with pytest.raises(kind) as caught:
        fastconv.conv1d(np.ones(x, dtype), np.ones((1, 1, 3), dtype), **said)
    assert str(caught.value).startswith("conv1d: ")
    return str(caught.value)


def test_reflect_means_two_things():
    message = refused(ValueError, padding_mode="reflect")
    assert "'mirror'" in message
    assert "'symmetric'" in message
    assert "PyTorch" in message
    assert "scipy.ndimage" in message


@pytest.mark.parametrize(
    ("word", "ours"),
    [("zeros", "constant"), ("nearest", "edge"), ("replicate", "edge"), ("circular", "wrap"),
     ("symm", "symmetric"), ("grid-mirror", "symmetric"), ("grid-wrap", "wrap"),
     ("grid-constant", "constant"), ("reflect_101", "mirror"), ("fill", "constant"),
     ("BORDER_CONSTANT", "constant"), ("BORDER_REPLICATE", "edge"), ("BORDER_WRAP", "wrap"),
     ("BORDER_REFLECT_101", "mirror"), ("BORDER_DEFAULT", "mirror"),
     ("BORDER_REFLECT", "symmetric")],
)  # fmt: skip
def test_words_of_other_libraries_get_a_hint(word, ours):
    message = refused(ValueError, padding_mode=word)
    assert f"padding_mode is {word!r}, but its name here is '{ours}'" in message


@pytest.mark.parametrize("mode", ["", "border", "linear_ramp"])
def test_an_unknown_word_gets_the_list(mode):
    message = refused(ValueError, padding_mode=mode)
    assert all(repr(word) in message for word in MODES)


@pytest.mark.parametrize("mode", [None, 0, ("edge", 1)[1:], [None]])
def test_no_word_at_all(mode):
    refused(TypeError, padding_mode=mode)


def test_as_many_modes_as_axes():
    message = refused(ValueError, padding_mode=("edge", "wrap"))
    assert message == "conv1d: padding_mode has 2 entries, but it must be one word"


def test_a_constant_that_no_mode_uses():
    x, w = np.ones((1, 7, 7), "f4"), np.ones((1, 1, 3, 3), "f4")
    for mode in ("edge", ("wrap", "mirror"), ["symmetric"]):
        for value in (3, -0.5, np.nan):
            with pytest.raises(
                ValueError, match=r"^conv2d: padding_value is .* 0 for padding_mode"
            ):
                fastconv.conv2d(x, w, padding=1, padding_mode=mode, padding_value=value)
            with pytest.raises(ValueError, match=r"^prepare: padding_value is .* only 'constant'"):
                fastconv.prepare(w, padding=1, padding_mode=mode, padding_value=value)
        for value in (0, 0.0, -0.0):
            fastconv.conv2d(x, w, padding=1, padding_mode=mode, padding_value=value)
    fastconv.conv2d(x, w, padding=1, padding_mode=("edge", "constant"), padding_value=3)
    fastconv.conv2d(x, w, padding=0, padding_value=3)
    fastconv.conv2d(x, w, padding=0, padding_mode="edge")


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("?", -1),
        ("?", 3),
        ("u1", 256),
        ("u1", -1),
        ("i1", 128),
        ("u8", 2**64),
        ("i8", -(2**63) - 1),
    ],
)
def test_a_constant_that_the_input_cannot_hold(dtype, value):
    assert "padding_value" in refused((ValueError, TypeError), dtype=dtype, padding_value=value)


@pytest.mark.parametrize(("dtype", "value"), [("u1", 0.5), ("f4", 1j), ("f4", "1"), ("f4", [1])])
def test_a_constant_of_another_kind(dtype, value):
    assert "padding_value" in refused(TypeError, dtype=dtype, padding_value=value)


@pytest.mark.parametrize("mode", list(MODES)[1:])
def test_nothing_to_repeat(mode):
    message = refused(ValueError, (1, 1, 0), padding=2, padding_mode=mode)
    assert "size 0 on axis L" in message
    assert repr(mode) in message


def test_an_empty_axis_of_constants():
    for value, algorithm in product((0, 2), ALGORITHMS):
        x, w = np.ones((2, 3, 0, 4), "f4"), np.ones((5, 3, 2, 3), "f4")
        said = {"padding": ((3, 1), 0), "padding_value": value, "algorithm": algorithm}
        np.testing.assert_array_equal(
            fastconv.conv2d(x, w, **said), np.full((2, 5, 3, 2), 18 * value)
        )


@pytest.mark.parametrize("mode", MODES)
def test_no_images_and_no_channels(mode):
    said = {"padding": 2, "padding_mode": mode}
    w = np.ones((5, 3, 3), "f4")
    assert fastconv.conv1d(np.ones((0, 3, 7), "f4"), w, **said).shape == (0, 5, 9)
    got = fastconv.conv1d(np.ones((2, 0, 7), "f4"), np.ones((5, 0, 3), "f4"), **said)
    np.testing.assert_array_equal(got, np.zeros((2, 5, 9)))


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "reference"])
def test_a_constant_beyond_int64_wraps(algorithm):
    x, w = np.ones((1, 5), np.uint64), np.ones((1, 1, 3), np.int8)
    got = fastconv.conv1d(x, w, padding=1, padding_value=2**63, algorithm=algorithm)
    np.testing.assert_array_equal(got, [[2 - 2**63, 3, 3, 3, 2 - 2**63]])
    got = fastconv.conv1d(x, w, padding_value=2**64 - 1, algorithm=algorithm)
    np.testing.assert_array_equal(got, [[3, 3, 3]])
