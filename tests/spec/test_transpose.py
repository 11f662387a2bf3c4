# SPDX-License-Identifier: BSD-3-Clause
"""The specification of a transposed convolution: sizes, and what is refused."""

import re
from itertools import product

import numpy as np
import pytest

import fastconv
from fastconv import conv_transpose1d, conv_transpose2d, prepare
from fastconv._spec.derive import can_fold, steps
from fastconv._spec.transpose import make_transpose_spec


def specified(n, k, c=2, o=3, dtype="f4", **said):
    n, k = (np.atleast_1d(sizes).tolist() for sizes in (n, k))
    dtypes = np.dtype(dtype)
    return make_transpose_spec("t", len(n), (1, c, *n), dtypes, (c, o, *k), dtypes, **said)


def test_repr():
    spec = specified((5, 7), (3, 2), stride=2, padding=1, output_padding=(1, 0))
    assert repr(spec) == (
        "TransposeSpec(t, (1, 2, 5, 7) * (2, 3, 3, 2), stride=(2, 2), padding=((1, 1), (1, 1)), "
        "output_shape=(1, 3, 10, 12), dtype=float32)"
    )


@pytest.mark.parametrize(
    ("said", "output"),
    [
        ({}, 9),
        ({"stride": 2}, 15),
        ({"stride": 2, "dilation": 3}, 19),
        ({"stride": 2, "padding": 1, "output_padding": 1}, 14),
        ({"stride": 2, "padding": ((3, 1),)}, 11),
        ({"stride": 2, "padding": -2}, 19),
        ({"stride": 2, "dilation": 3, "output_padding": 2}, 21),
        ({"padding": "full"}, 5),
        ({"padding": "valid"}, 9),
        ({"stride": 3, "padding": "same"}, 21),
        ({"stride": 5, "padding": "same_lower"}, 35),
        ({"stride": 3, "padding": "same_torch"}, 21),
        ({"stride": 3, "padding": "same", "output_size": 19}, 19),
        ({"stride": 4, "output_size": 30}, 30),
        ({"stride": 4, "output_size": (1, 3, 28)}, 28),
        ({"stride": 4, "output_size": np.array([29])}, 29),
    ],
    ids=str,
)
def test_the_size_of_the_output(said, output):
    assert specified(7, 3, **said).output_shape == (1, 3, output)


def test_output_size_may_be_a_whole_shape():
    w = np.ones((2, 3, 3, 3))
    for shape in ((3, 15, 12), (15, 12)):
        got = conv_transpose2d(np.ones((2, 7, 5)), w, stride=2, output_size=shape)
        assert got.shape == (3, 15, 12)
    said = {"stride": 2, "channels_last": True}
    got = conv_transpose2d(np.ones((1, 7, 5, 2)), w, output_size=(1, 15, 12, 3), **said)
    assert got.shape == (1, 15, 12, 3)


def test_dtypes_of_sums():
    """int32 for 8 bits, as long as no sum can exceed it: a border adds to what it copies."""
    assert specified(7, 3, dtype="u1").dtype == np.int32
    assert specified(7, 3, c=33_000, dtype="u1").dtype == np.int64
    many = {"c": 5000, "dtype": "u1", "padding": 9}
    assert specified(30, 3, **many).dtype == np.int32
    assert specified(30, 3, padding_mode="edge", **many).dtype == np.int64
    assert specified(7, 3, c=12_000, stride=3, dtype="u1").dtype == np.int32


def test_the_steps_make_each_output_once():
    for n, k, stride, dilation, before in product(
        (1, 5), (1, 2, 4), (1, 2, 3, 6, 19), (1, 2, 4), (-1, 0, 2)
    ):
        try:
            spec = specified(n, k, o=1, stride=stride, dilation=dilation, padding=((before, 1),))
        except ValueError:  # no output cell
            continue
        for fold in (False, True)[: 1 + can_fold(spec)]:
            made = np.zeros(spec.outputs[2], int)
            for step in steps(spec, fold):
                last = step.along[2]
                assert step.spec.outputs[2] == last.axis.outputs
                places = last.first + np.arange(last.axis.outputs) * last.step
                np.add.at(made, np.add.outer(places, np.arange(last.channels)), 1)
            assert (made == 1).all(), (spec, fold)


ONES = {"input": np.ones((1, 4, 7, 5)), "weight": np.ones((4, 6, 3, 2))}

REFUSED = [
    (ValueError, {"output_padding": 1}, "output_padding is 1, but on axis H it must be from 0 to "
     "0, less than stride 1 or dilation 1"),
    (ValueError, {"output_padding": (0, 3), "stride": 2, "dilation": (1, 3)},
     "output_padding is (0, 3), but on axis W it must be from 0 to 2, less than stride 2 or "
     "dilation 3"),
    (ValueError, {"output_padding": -1}, "output_padding is -1, but it must be an integer of at "
     "least 0 (or one per axis)"),
    (TypeError, {"output_padding": 0.5}, "output_padding is 0.5, but it must be an integer of at "
     "least 0 (or one per axis)"),
    (ValueError, {"output_padding": (0, -1)}, "output_padding[1] is -1, but it must be an integer "
     "of at least 0"),
    (ValueError, {"output_size": (9, 8)}, "output_size is (9, 8), but on axis W it must be 6, "
     "for an input of 5 elements"),
    (ValueError, {"output_size": 14, "stride": 2, "padding": 1}, "output_size is 14, but on axis W "
     "it must be from 8 to 9, for an input of 5 elements"),
    (ValueError, {"output_size": 3, "padding": 9}, "output has size -9 on axis H, but it must be "
     "at least 1; of 9 elements, padding (9, 9) crops 18"),
    (ValueError, {"output_size": (15, 10), "stride": 2, "padding": "same"}, "output_size is "
     "(15, 10), but on axis H it must be from 13 to 14, for an input of 7 elements"),
    (ValueError, {"output_size": (1, 2, 3)}, "output_size has 3 entries, but it must be one "
     "integer or 2 of them, one per axis, or a whole shape of 4"),
    (ValueError, {"output_size": 0}, "output_size is 0, but it must be an integer of at least 1 "
     "(or one per axis, or a whole shape)"),
    (ValueError, {"output_size": 9, "output_padding": 1, "stride": 2}, "output_padding is 1, but "
     "it must be 0 with output_size, which tells the size of the output"),
    (ValueError, {"padding": "same", "output_padding": 1, "stride": 2}, "output_padding is 1, but "
     "it must be 0 for 'same', which tells the size of the output"),
    (ValueError, {"padding": 5}, "output has size -1 on axis H, but it must be at least 1; of 9 "
     "elements, padding (5, 5) crops 10"),
    (ValueError, {"padding": "some"}, "padding is 'some', but it must be "),
    (ValueError, {"stride": 0}, "stride is 0, but it must be an integer of at least 1 (or one per "
     "axis)"),
    (ValueError, {"groups": 3}, "weight has 4 input channels, but it must have a multiple of "
     "groups=3"),
    (ValueError, {"weight": np.ones((4, 0, 3, 2))}, "weight has 0 output channels, but it must "
     "have at least 1"),
    (ValueError, {"weight": np.ones((4, 6, 3))}, "weight has shape (4, 6, 3), but it must be "
     "(C, O/groups, kH, kW); write "),
    (ValueError, {"weight": np.ones((6, 4, 3, 2))}, "input has 4 channels, but weight needs 6; if "
     "the axes of weight are (O, C, ...), pass weight.swapaxes(0, 1)"),
    (ValueError, {"input": np.ones((1, 7, 5, 4))}, "input has 7 channels, but weight needs 4; if "
     "the channels are the last axis, pass channels_last=True"),
    (ValueError, {"input": np.ones((1, 4, 7, 0))}, "input has size 0 on axis W, but it must be at "
     "least 1"),
    (ValueError, {"padding_mode": "reflect"}, "padding_mode is 'reflect', but it must be "),
    (ValueError, {"bias": np.ones(4)}, "bias has shape (4,), but it must be (6,), one value per "
     "output channel"),
    (ValueError, {"residual": np.ones(4)}, "residual has shape (4,), but it must be (1, 6, 9, 6), "
     "the shape of the result"),
    (ValueError, {"out": np.ones((1, 6, 9, 7))}, "out has shape (1, 6, 9, 7), but it must be "
     "(1, 6, 9, 6)"),
    (ValueError, {"beta": 1}, "beta is 1 and out is None"),
    (ValueError, {"algorithm": "fft"}, "algorithm is 'fft', but it must be one of 'auto', "
     "'phases', 'direct', 'im2col_gemm', 'reference'"),
    (TypeError, {"flip": 1}, "flip is 1, but it must be True or False"),
    (ValueError, {"padding": 2**31 - 1}, "output has size "),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "said", "message"), REFUSED, ids=[row[2][:60] for row in REFUSED])
def test_what_is_refused(kind, said, message):
    with pytest.raises(kind, match=f"^conv_transpose2d: {re.escape(message)}"):
        conv_transpose2d(**ONES | said)


@pytest.mark.parametrize(
    "said",
    [{"stride": 0}, {"output_padding": 1}, {"padding": "some"}, {"groups": 3}, {"dilation": -1},
     {"output_size": "a"}, {"padding_mode": "reflect"}, {"bias": np.ones(4)}, {"alpha": "two"}],
)  # fmt: skip
def test_bad_parameters_show_when_prepared(said):
    with pytest.raises((TypeError, ValueError), match=f"^prepare: .*{next(iter(said))}"):
        prepare(conv_transpose2d, ONES["weight"], **said)


@pytest.mark.parametrize(
    "said",
    [{"padding": 40}, {"padding": "full"}, {"padding": ((9, 0), (0, 30)), "stride": 3},
     {"output_size": (40, 30), "stride": 2}, {"output_size": (1, 6, 40, 30), "stride": 3,
                                              "dilation": 5},
     {"padding": "same", "output_size": 11, "stride": 4}, {"channels_last": True, "padding": 3}],
    ids=str,
)  # fmt: skip
def test_what_some_input_makes_right_is_not_refused(said):
    assert prepare(conv_transpose2d, ONES["weight"], **said)


def test_what_no_memory_holds_is_refused():
    x, w = np.broadcast_to(1.0, (2**20, 2**20, 3)), np.ones((2**20, 1, 1))
    with pytest.raises(ValueError, match=r"^conv_transpose1d: output of shape .* takes \d+ bytes"):
        conv_transpose1d(x, np.broadcast_to(w, (2**20, 2**20, 1)), stride=2**31 - 1)


def test_an_error_leaves_out_as_it_was():
    out = np.full((1, 6, 9, 6), 7.0)
    with pytest.raises(ValueError, match="bias"):
        conv_transpose2d(**ONES, bias=np.ones(5), out=out)
    assert (out == 7).all()
    assert fastconv.conv_transpose2d(**ONES, out=out) is out
