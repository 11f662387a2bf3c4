# SPDX-License-Identifier: BSD-3-Clause
"""A specification from shapes and keywords: what they mean, and every refusal's message."""

import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from fastconv._spec import conv as spec
from fastconv._spec.axis import Axis
from fastconv._spec.borders import Border
from fastconv._spec.dtypes import Arithmetic
from fastconv._spec.epilogue import Epilogue

F4, F8 = np.dtype("f4"), np.dtype("f8")
HUGE = 2**40


def make(
    input=(2, 6, 11, 13), weight=(4, 3, 3, 5), *, name="conv2d", rank=2, dtypes=(F4, F4), **said
):
    said.setdefault("groups", 2)
    return spec.make_conv_spec(name, rank, input, dtypes[0], weight, dtypes[1], **said)


def make1d(n, k, *, stride=1, padding=0, dilation=1):
    said = {"stride": stride, "padding": padding, "dilation": dilation, "groups": 1}
    return make((1, 1, n), (1, 1, k), name="conv1d", rank=1, **said)


def sides(made):
    return tuple((axis.before, axis.after) for axis in made.axes)


def refuses(kind, message):
    return pytest.raises(kind, match=f"^{re.escape(message)}$")


# ---- the specification


def test_a_specification():
    got = make(stride=(2, 3), padding=((1, 0), (2, -1)), dilation=(3, 2), dtypes=(F4, F8))
    assert got == spec.ConvSpec(
        name="conv2d",
        rank=2,
        batched=True,
        batch=2,
        groups=2,
        c_in=3,
        c_out=2,
        axes=(
            Axis(1),
            Axis(11, 3, 2, 3, 1, 0, Border.ZERO),
            Axis(13, 5, 3, 2, 2, -1, Border.ZERO),
        ),
        border_value=0,
        channels_last=False,
        flipped=False,
        apart=False,
        arithmetic=Arithmetic("d", "d"),
        dtype=F8,
        epilogue=Epilogue(),
    )
    assert got.input_shape == (2, 6, 11, 13)
    assert got.weight_shape == (4, 3, 3, 5)
    assert got.output_shape == (2, 4, 3, 2)
    assert got.macs == (2 * 4 * 3 * 2) * (3 * 3 * 5)
    assert got.flops == 2 * got.macs
    assert (got.tile_dtype, got.components, got.reads_out) == (F8, 1, False)
    assert {got: 1}[got] == 1


def test_channels_last():
    got, first = make((2, 11, 13, 6), channels_last=True), make()
    assert got == replace(first, channels_last=True)
    assert got.input_shape == (2, 11, 13, 6)
    assert got.weight_shape == (4, 3, 3, 5)
    assert got.output_shape == (2, 9, 9, 4)
    assert make((11, 13, 6), channels_last=True).output_shape == (9, 9, 4)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("batched", [True, False])
def test_ranks(rank, batched):
    src, wei = (11, 13, 17)[:rank], (2, 3, 5)[:rank]
    batch = (7,) if batched else ()
    got = make((*batch, 3, *src), (5, 3, *wei), name=f"conv{rank}d", rank=rank, groups=1)
    out = tuple(n - k + 1 for n, k in zip(src, wei, strict=True))
    assert (got.batched, got.batch) == (batched, 7 if batched else 1)
    assert got.input_shape == (*batch, 3, *src)
    assert got.weight_shape == (5, 3, *wei)
    assert got.output_shape == (*batch, 5, *out)
    assert tuple(axis.n for axis in got.axes) == (1,) * (3 - rank) + src


@pytest.mark.parametrize(
    ("input", "weight", "output"),
    [
        ((0, 6, 11, 13), (4, 3, 3, 5), (0, 4, 9, 9)),
        ((2, 0, 11, 13), (4, 0, 3, 5), (2, 4, 9, 9)),
        ((6, 3, 5), (4, 3, 3, 5), (4, 1, 1)),
    ],
)
def test_small_and_empty(input, weight, output):
    assert make(input, weight).output_shape == output


def test_an_axis_of_padding_only():
    assert make((2, 6, 0, 13), padding=((2, 1), (0, 0))).output_shape == (2, 4, 1, 9)


@pytest.mark.parametrize(
    ("dtypes", "dtype"),
    [
        ("f4 f4", F4),
        ("f4 f8", F8),
        ("f8 f4", F8),
        (">f4 <f4", F4),
        (">f8 >f8", F8),
        (">f4 >f8", F8),
        ("f2 f2", np.dtype("f2")),
        ("f2 >f4", F4),
        ("i2 f4", F4),
        ("i4 f4", F8),
        ("i1 f2", np.dtype("f2")),
        (">c8 f4", np.dtype("c8")),
        ("f8 c8", np.dtype("c16")),
        ("i1 u1", np.dtype("i4")),
        ("? ?", np.dtype("i4")),
        ("i1 >i2", np.dtype("i8")),
        ("u4 u8", np.dtype("i8")),
    ],
)
def test_dtype_is_promoted_and_native(dtypes, dtype):
    got = make(dtypes=tuple(map(np.dtype, dtypes.split()))).dtype
    assert (got, got.isnative) == (dtype, True)
    assert got is dtype


# ---- stride, dilation, padding


@pytest.mark.parametrize(
    "two", [2, np.int8(2), np.uint64(2), np.array(2), [2], (2, 2), np.array([2, 2])]
)
def test_integers_of_any_kind(two):
    got = make(stride=two, dilation=two, padding=two)
    axes = (Axis(1), Axis(11, 3, 2, 2, 2, 2), Axis(13, 5, 2, 2, 2, 2))
    assert got.axes == axes
    assert all(type(n) is int for axis in got.axes for n in axis[:-1])


@pytest.mark.parametrize(
    ("padding", "pad"),
    [
        (1, ((1, 1), (1, 1))),
        (-1, ((-1, -1), (-1, -1))),
        ((1, 2), ((1, 1), (2, 2))),
        ([(1, 2)], ((1, 2), (1, 2))),
        (((1, 2), (3, -4)), ((1, 2), (3, -4))),
        ((5, (1, 2)), ((5, 5), (1, 2))),
        (np.array([[1, 2], [3, 4]]), ((1, 2), (3, 4))),
        ("valid", ((0, 0), (0, 0))),
        ("full", ((4, 4), (8, 8))),
        ("same", ((1, 2), (4, 4))),
        ("same_upper", ((1, 2), (4, 4))),
        ("same_lower", ((2, 1), (4, 4))),
        ("same_torch", ((2, 2), (4, 4))),
    ],
)
def test_padding(padding, pad):
    assert sides(make(padding=padding, stride=3, dilation=2))[1:] == pad


@pytest.mark.parametrize(
    ("word", "pad"), [("same_upper", (1, 2)), ("same_lower", (2, 1)), ("same_torch", (1, 2))]
)
def test_the_odd_cell(word, pad):
    assert sides(make1d(11, 4, padding=word))[2] == pad


# ---- refusals of make_conv_spec

ONE = "but it must be an integer of at least 1"
FROM_ONE = "but it must be an integer from 1 to 2147483647"
AXES = " (or one per axis)"
OUTPUTS = "output channels, but it must have a positive multiple of groups=2"
KNOWN = (
    "but it must be bool, an integer dtype, float16, bfloat16, float32, float64, complex64 or "
    "complex128"
)
WORDS = "one of 'valid', 'full', 'same', 'same_upper', 'same_lower', 'same_torch'"
ANY = f"but it must be an integer{AXES} or {WORDS}"
LIMITED = f"but it must be an integer from -2147483647 to 2147483647{AXES} or {WORDS}"
FIRST, LAST = "(N, C, H, W) or (C, H, W)", "(N, H, W, C) or (H, W, C)"


@pytest.mark.parametrize("argument", ["stride", "dilation", "groups"])
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0, ValueError),
        (-1, ValueError),
        (2**31, ValueError),
        (2.0, TypeError),
        (1.5, TypeError),
        (float("nan"), TypeError),
        (Fraction(2), TypeError),
        (np.float32(2), TypeError),
        (True, TypeError),
        (np.True_, TypeError),
        (None, TypeError),
        ("2", TypeError),
        (b"2", TypeError),
        ({1, 2}, TypeError),
    ],
)
def test_refuses_numbers(argument, value, kind):
    needed = FROM_ONE if value == 2**31 else ONE
    more = "" if argument == "groups" else AXES
    with refuses(kind, f"conv2d: {argument} is {value!r}, {needed}{more}"):
        make(**{argument: value})
    if argument != "groups":
        with refuses(kind, f"conv2d: {argument}[1] is {value!r}, {needed}"):
            make(**{argument: (1, value)})


def no_cell(axis, n, padding, padded, k, d, span):
    with_padding = f", {padded} with padding {padding}" if any(padding) else ""
    dilated = f" with dilation {d}" if d > 1 else ""
    return (
        f"input has size {n} on axis {axis}{with_padding}, "
        f"but a kernel of size {k}{dilated} needs {span}"
    )


REFUSED_VALUES = [
    ({"input": (13,)}, f"input has shape (13,), but it must be {FIRST}"),
    ({"input": (1, 2, 6, 11, 13)}, f"input has shape (1, 2, 6, 11, 13), but it must be {FIRST}"),
    (
        {"input": (6, 13)},
        f"input has shape (6, 13), but it must be {FIRST}; "
        "for an input of one channel write input[None]",
    ),
    (
        {"input": (6, 13), "channels_last": True},
        f"input has shape (6, 13), but it must be {LAST}; "
        "for an input of one channel write input[..., None]",
    ),
    (
        {"weight": (4, 3, 3)},
        "weight has shape (4, 3, 3), but it must be (O, C/groups, kH, kW); "
        "write weight[None] if O is missing, weight[:, None] if C/groups is",
    ),
    (
        {"weight": (3, 3)},
        "weight has shape (3, 3), but it must be (O, C/groups, kH, kW); "
        "for a single kernel write weight[None, None]",
    ),
    ({"weight": (3,)}, "weight has shape (3,), but it must be (O, C/groups, kH, kW)"),
    ({"input": (1, 64, 9, 9)}, "input has 64 channels, but weight needs 6 (2 groups of 3)"),
    (
        {"groups": 1},
        "input has 6 channels, but weight needs 3; "
        "if the channels are convolved in groups, pass groups=2",
    ),
    (
        {"groups": 4},
        "input has 6 channels, but weight needs 12 (4 groups of 3); "
        "if the channels are convolved in groups, pass groups=2",
    ),
    ({"weight": (5, 3, 3, 5)}, f"weight has 5 {OUTPUTS}"),
    ({"weight": (0, 3, 3, 5)}, f"weight has 0 {OUTPUTS}"),
    ({"weight": (4, 3, 3, 0)}, "weight has size 0 on axis kW, but it must be at least 1"),
    ({"weight": (4, 3, 3, 17)}, no_cell("W", 13, (0, 0), 13, 17, 1, 17)),
    ({"dilation": 7, "padding": (1, 9)}, no_cell("H", 11, (1, 1), 13, 3, 7, 15)),
    ({"padding": -9}, no_cell("H", 11, (-9, -9), -7, 3, 1, 3)),
    ({"input": (2, 6, 0, 13), "padding": "same"}, no_cell("H", 0, (1, 1), 2, 3, 1, 3)),
    (
        {"stride": (1, 2, 3)},
        "stride has 3 entries, but it must be one integer or 2 of them, one per axis",
    ),
    (
        {"dilation": ()},
        "dilation has 0 entries, but it must be one integer or 2 of them, one per axis",
    ),
    (
        {"padding": (1, 2, 3, 4)},
        "padding has 4 entries, but it must be one integer or 2 of them, one per axis, or "
        "((before, after), (before, after)); if it is in the order of torch.nn.functional.pad, "
        "write ((3, 4), (1, 2))",
    ),
    (
        {"padding": (1, (2, 3, 4))},
        "padding[1] is (2, 3, 4), but it must be an integer or a pair (before, after)",
    ),
    ({"padding": HUGE}, f"padding is {HUGE}, {LIMITED}"),
    ({"padding": -HUGE}, f"padding is -{HUGE}, {LIMITED}"),
    ({"padding": 10**999}, f"padding is a huge integer, {LIMITED}"),
    (
        {"padding": "Reflect"},
        f"padding is 'Reflect', {ANY}; what the padding holds is said by padding_mode",
    ),
    ({"padding": "sane"}, f"padding is 'sane', but it must be an integer{AXES} or {WORDS}"),
]

REFUSED_TYPES = [
    ({"groups": (2, 2)}, f"groups is (2, 2), {ONE}"),
    ({"stride": ((1, 2), 1)}, f"stride[0] is (1, 2), {ONE}"),
    ({"padding": 1.0}, f"padding is 1.0, {ANY}"),
    ({"padding": (1, (2, float("nan")))}, "padding[1][1] is nan, but it must be an integer"),
    ({"padding": False}, f"padding is False, {ANY}"),
    ({"padding": None}, f"padding is None, {ANY}"),
    ({"padding": b"same"}, f"padding is b'same', {ANY}"),
    (
        {"padding": ("same", "same")},
        "padding[0] is 'same', but it must be an integer or a pair (before, after)",
    ),
    ({"dtypes": (np.dtype("O"), F4)}, f"input has dtype object, {KNOWN}"),
    ({"dtypes": (F4, np.dtype("g"))}, f"weight has dtype {np.dtype('g')}, {KNOWN}"),
    ({"dtypes": (np.dtype("f4,f4"), F4)}, f"input has dtype {np.dtype('f4,f4')}, {KNOWN}"),
    ({"dtypes": (F4, np.dtype("M8[s]"))}, f"weight has dtype datetime64[s], {KNOWN}"),
    ({"dtypes": (np.dtype("S3"), F4)}, f"input has dtype |S3, {KNOWN}"),
    ({"channels_last": 1}, "channels_last is 1, but it must be True or False"),
    ({"flip": None}, "flip is None, but it must be True or False"),
]


@pytest.mark.parametrize(("said", "message"), REFUSED_VALUES)
def test_refuses_values(said, message):
    with refuses(ValueError, f"conv2d: {message}"):
        make(**said)


@pytest.mark.parametrize(("said", "message"), REFUSED_TYPES)
def test_refuses_types(said, message):
    with refuses(TypeError, f"conv2d: {message}"):
        make(**said)


def test_refuses_a_flat_pair_for_one_axis():
    message = "conv1d: padding has 2 entries, but it must be one integer, or ((before, after),); "
    message += "if it is in the order of torch.nn.functional.pad, write ((1, 2),)"
    with refuses(ValueError, message):
        make1d(11, 3, padding=(1, 2))


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"padding": 2**31 - 1}, "input with padding of shape (2, 6, 4294967305, 4294967307)"),
        ({"input": (HUGE, 6, HUGE, 13)}, f"input with padding of shape ({HUGE}, 6, {HUGE}, 13)"),
        ({"input": (0, 6, HUGE, HUGE)}, f"input with padding of shape (0, 6, {HUGE}, {HUGE})"),
        (
            {"input": (HUGE, 6, 11, 13), "weight": (HUGE, 3, 3, 5)},
            f"output of shape ({HUGE}, {HUGE}, 9, 9)",
        ),
        (
            {"input": (1, 6, HUGE, 13), "weight": (HUGE, 3, HUGE, 5)},
            f"weight of shape ({HUGE}, 3, {HUGE}, 5)",
        ),
    ],
)
def test_refuses_what_no_address_can_hold(said, what):
    with pytest.raises(
        ValueError, match=rf"^conv2d: {re.escape(what)} takes \d+ bytes, but it must not"
    ):
        make(**said)
