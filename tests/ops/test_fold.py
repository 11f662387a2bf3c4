# SPDX-License-Identifier: BSD-3-Clause
"""fold: sums of columns where their windows overlap, and that it is the adjoint of unfold."""

import os
import pickle
import re

import numpy as np
import pytest
from arrays import EVERY, READABLE, WRITEABLE, numbers
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from nodes import cases
from patches import folded
from ways import ISAS, WORDS

import fastconv
from fastconv import fold, plan, unfold

EXAMPLES = int(os.environ.get("FASTCONV_EXAMPLES", "400"))

pytestmark = pytest.mark.usefixtures("poisoned")


def summed_in(dtype):
    """The dtype in which the truth sums."""
    if dtype.kind == "b":
        return np.dtype("i4")
    return np.dtype("f4") if dtype.itemsize == 2 and dtype.kind in "fV" else dtype


def assert_folded(got, y, sizes, kernel, dilation, pads, stride, last=False):
    """The bits of sums in the order of taps."""
    native = y.dtype.newbyteorder("=")
    with np.errstate(over="ignore"):
        expected = folded(y, sizes, kernel, dilation, pads, stride, summed_in(native))
        expected = expected.astype(native)
    if last:
        expected = np.ascontiguousarray(np.moveaxis(expected, 1, -1))
    assert got.shape == expected.shape
    assert got.dtype == native
    assert got.tobytes() == expected.tobytes()


def with_isa(isa, *arguments, **said):
    with fastconv.settings(isa=isa):
        return fold(*arguments, **said)


def columns(sizes, kernel, dtype="f4", batch=2, channels=3, **said):
    """Columns that fit."""
    how = plan(unfold, (batch, channels, *sizes), kernel, **said)
    return numbers(how.output_shape, dtype)


# ---- what it is --------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_it_counts_the_windows_of_each_element(rank):
    sizes, kernel = (7, 5, 4)[:rank], (3, 2, 2)[:rank]
    ones = np.ones((2, 3, *sizes), int)
    said = {"stride": 2, "padding": 1}
    got = fold(unfold(ones, kernel, **said), sizes, kernel, **said)
    transposed = getattr(fastconv, f"conv_transpose{rank}d")
    outputs = plan(unfold, ones, kernel, **said).spec.axes[3 - rank :]
    windows = np.ones((1, 1, *(axis.outputs for axis in outputs)), int)
    expected = transposed(windows, np.ones((1, 1, *kernel), int), output_size=sizes, **said)
    np.testing.assert_array_equal(got, np.broadcast_to(expected, got.shape))


@pytest.mark.parametrize("dtype", ["i8", "f8", "c16"])
def test_it_is_the_adjoint_of_unfold(dtype):
    for sizes, kernel, said in (
        ((11,), (4,), {"stride": 3, "padding": ((2, 0),)}),
        ((7, 13), (3, 2), {"stride": (2, 1), "dilation": (1, 3), "padding": 2}),
        ((5, 7, 4), (2, 3, 1), {"padding": ((1, 0), (-1, 2), (0, 3)), "stride": (1, 2, 3)}),
    ):
        x = numbers((2, 3, *sizes), dtype)
        y = columns(sizes, kernel, dtype, **said)
        if dtype == "i8":
            x, y = x % 100, y % 100
        left = np.sum(unfold(x, kernel, **said) * y)
        right = np.sum(x * fold(y, sizes, kernel, **said))
        np.testing.assert_allclose(left, right, rtol=1e-12)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", ["f4", "f8", "c8"])
def test_it_is_that_of_torch(dtype):
    import torch

    for kernel, dilation, padding, stride in (
        (3, 1, 0, 1),
        ((2, 5), (3, 1), (1, 2), (2, 3)),
        ((1, 3), 2, (0, 3), 1),
    ):
        said = {"dilation": dilation, "padding": padding, "stride": stride}
        y = columns((11, 13), kernel, dtype, **said)
        expected = torch.nn.functional.fold(torch.from_numpy(y), (11, 13), kernel, **said).numpy()
        got = fold(y, (11, 13), kernel, dilation, padding, stride)
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")  # of other operators, whose cases are made, too
def test_it_is_col2im_of_onnx():
    """All node tests of the operator."""
    onnx = pytest.importorskip("onnx")
    found = 0
    for case in cases("Col2Im"):
        (node,) = case.model.graph.node
        said = {one.name: list(one.ints) for one in node.attribute}
        for inputs, (expected,) in case.data_sets:
            data, sizes, kernel = (np.asarray(one) for one in inputs)
            rank = len(sizes)
            pads = said.get("pads", [0] * 2 * rank)
            got = fold(
                data, sizes, kernel, said.get("dilations", 1),
                [*zip(pads[:rank], pads[rank:], strict=True)], said.get("strides", 1),
            )  # fmt: skip
            np.testing.assert_array_equal(got, expected)
            found += 1
    assert found >= 5, onnx.__version__


def test_small_sums_are_rounded_once():
    one = np.full((1, 9, 1), 2049, "f2")  # each further 1 is lost in float16
    one[:, 1:] = 1
    y = np.concatenate([one] * 1, axis=2)
    got = fold(y, (3, 3), 3)
    np.testing.assert_array_equal(got, y.reshape(1, 1, 3, 3))
    many = np.zeros((1, 9, 9), "f2")
    many[:] = 1
    many[0, 0] = 2048
    assert fold(many, (5, 5), 3)[0, 0, 2, 2] == 2048 + 8


def test_integers_wrap_and_bools_are_any():
    y = np.full((1, 4, 4), 100, "i1")
    np.testing.assert_array_equal(fold(y, 3, 2)[0, 0, 1], np.array([200, 400, 200]).astype("i1"))
    y = np.ones((1, 300, 300), "u1") * 128
    assert fold(y, (599,), (300,))[0, 0, 299] == 300 * 128 % 256
    assert fold(y.astype(bool), (599,), (300,)).all()
    y[:] = 0
    y[0, 7, 3] = 1
    assert np.flatnonzero(fold(y.astype(bool), (599,), (300,))).tolist() == [10]


# ---- layouts and dtypes ------------------------------------------------------------------------


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", EVERY, ids=str)
@pytest.mark.parametrize("layout", sorted(READABLE))
def test_any_dtype_and_layout(isa, dtype, layout):
    for stride, width in ((1, 3), (2, 1), (3, 35)):
        said = {"padding": ((1, 0), (1, 2)), "stride": (1, stride)}
        y = READABLE[layout](columns((5, 37), (2, width), dtype, **said))
        got = with_isa(isa, y, (5, 37), (2, width), **said)
        assert_folded(got, y, (5, 37), (2, width), (1, 1), said["padding"], said["stride"])


@pytest.mark.parametrize("to", sorted(WRITEABLE))
@pytest.mark.parametrize("dtype", ["f4", "u2", "c16", "?", "u4", "f2"])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("stride", [1, (1, 2)])
def test_out(to, dtype, last, stride):
    said = {"padding": (0, 1), "stride": stride, "channels_last": last}
    y = columns((5, 7), (2, 3), dtype, padding=(0, 1), stride=stride)
    expected = fold(y, (5, 7), (2, 3), **said)
    out = WRITEABLE[to](np.zeros(expected.shape, dtype))
    assert fold(y, (5, 7), (2, 3), out=out, **said) is out
    np.testing.assert_array_equal(out, expected)


def test_out_overlaps_the_input():
    memory = numbers((4000,))
    y, out = memory[:288].reshape(2, 12, 12), memory[200:320].reshape(2, 3, 4, 5)
    expected = fold(y.copy(), (4, 5), 2)
    assert fold(y, (4, 5), 2, out=out) is out
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(
    ("sizes", "kernel", "said", "channels"),
    [
        ((300007,), (5,), {"padding": 2}, 1),  # a row in parts
        ((61, 67), (3, 3), {"padding": 1}, 37),
        ((61, 67), (3, 3), {"padding": 1, "channels_last": True}, 37),
        ((23, 29, 64), (2, 3, 3), {"padding": 1, "channels_last": True}, 5),
        ((7, 5), (3, 3), {"padding": 2}, 101),  # lines that are made together
        ((501, 1), (7, 1), {"padding": ((700, 0), (0, 0))}, 2),
        ((11, 13, 17), (2, 3, 5), {"stride": (1, 2, 3), "dilation": 2, "padding": 4}, 3),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["f4", "f2"])
def test_bits_do_not_depend_on_threads(sizes, kernel, said, channels, dtype):
    of_unfold = {name: value for name, value in said.items() if name != "channels_last"}
    y = columns(sizes, kernel, dtype, 2, channels, **of_unfold)
    expected = fold(y, sizes, kernel, algorithm="reference", **said)
    for threads in (1, 2, 3):
        assert fold(y, sizes, kernel, threads=threads, **said).tobytes() == expected.tobytes()


def test_an_input_without_elements():
    assert fold(np.ones((0, 27, 15)), (5, 7), 3).shape == (0, 3, 5, 7)
    assert fold(np.ones((2, 0, 15)), (5, 7), 3).shape == (2, 0, 5, 7)
    assert fold(np.ones((2, 3, 2)), (0,), (3,), padding=2).shape == (2, 1, 0)
    assert fold(np.ones((1, 2, 1)), (3,), (2,), stride=2**31 - 1).tolist() == [[[1, 1, 0]]]
    # of a stride that is longer than the window, some elements are in none
    assert fold(np.ones((1, 2, 2)), (7,), (2,), stride=3).tolist() == [[[1, 1, 0, 1, 1, 0, 0]]]


# ---- any that can be asked for -----------------------------------------------------------------


@st.composite
def problems(draw):
    """(columns with a batch axis, sizes, kernel, keywords of which all are per axis)."""
    rank = draw(st.integers(1, 3))

    def per_axis(entries):
        return tuple(draw(st.lists(entries, min_size=rank, max_size=rank)))

    pair = st.tuples(st.integers(-2, 9), st.integers(-2, 9))
    sizes = per_axis(st.integers(0, (23, 9, 5)[rank - 1]))
    kernel = per_axis(st.integers(1, 4))
    said = {
        "dilation": per_axis(st.integers(1, 3)),
        "padding": per_axis(pair),
        "stride": per_axis(st.integers(1, 4)),
    }
    each_axis = zip(sizes, kernel, said["dilation"], said["padding"], strict=True)
    assume(all(n + a + b >= d * (k - 1) + 1 for n, k, d, (a, b) in each_axis))
    batch, channels = draw(st.sampled_from([0, 1, 2, 3])), draw(st.sampled_from([0, 1, 2, 5, 17]))
    y = columns(sizes, kernel, draw(st.sampled_from(EVERY)), batch, channels, **said)
    return READABLE[draw(st.sampled_from(sorted(READABLE)))](y), sizes, kernel, said


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(
    problem=problems(),
    threads=st.sampled_from([1, 2, 3]),
    isa=st.sampled_from(ISAS),
    last=st.booleans(),
)
def test_against_the_truth(problem, threads, isa, last):
    y, sizes, kernel, said = problem
    got = with_isa(isa, y, sizes, kernel, threads=threads, channels_last=last, **said)
    each_axis = (said["dilation"], said["padding"], said["stride"])
    assert_folded(got, y, sizes, kernel, *each_axis, last)
    slow = fold(y, sizes, kernel, algorithm="reference", channels_last=last, **said)
    assert slow.tobytes() == got.tobytes()
    if len(y) == 1:
        alone = with_isa(isa, y[0], sizes, kernel, threads=threads, channels_last=last, **said)
        assert alone.tobytes() == got[0].tobytes()


@pytest.mark.parametrize("word", WORDS)
def test_padding_words_are_those_of_unfold(word):
    said = {"padding": word, "stride": 2, "dilation": (1, 2)}
    y = columns((11, 7), (2, 3), **said)
    pads = [(axis.before, axis.after) for axis in plan(unfold, (2, 3, 11, 7), (2, 3), **said)
            .spec.axes[1:]]  # fmt: skip
    assert_folded(fold(y, (11, 7), (2, 3), **said), y, (11, 7), (2, 3), (1, 2), pads, (2, 2))


# ---- plans and errors --------------------------------------------------------------------------


def test_a_plan():
    how = plan("fold", (1, 576, 3136), 56, 3, padding=1, threads=2)
    assert (how.algorithm, how.threads, how.orientation) == ("rows", 2, "none")
    assert (how.output_shape, how.flops) == ((1, 64, 56, 56), 576 * 3136)
    assert how.tasks >= 8
    assert (how.copies, how.scratch_bytes, how.epilogue) == ((), 2 * 4096, "none")
    assert str(how).startswith("fold float32  1x576x3136 -> 1x64x56x56\nrows  ")
    assert pickle.loads(pickle.dumps(how)) == how
    for dtype, words in (
        ("f2", "float32 -> float16"),
        ("u1", "uint32 -> uint8"),
        ("i2", "int32 -> int16"),
        ("?", "int32 -> bool, any"),
        ("c8", "none"),
    ):
        assert plan(fold, np.ones((1, 4, 4), dtype), 3, 2).epilogue == words
    half = plan(fold, np.ones((1, 4, 4), "f2"), 3, 2)
    assert half.copies == (
        "input: a row at a time", "out: through a buffer that fits into the cache",
    )  # fmt: skip
    assert half.scratch_bytes > 0
    assert plan(fold, (1, 4, 4), 3, 2, algorithm="reference").isa == "numpy"
    assert repr(how.spec) == "FoldSpec(fold, (1, 576, 3136) -> (1, 64, 56, 56), dtype=float32)"


Y = np.ones((2, 12, 12))


@pytest.mark.parametrize(
    ("kind", "arguments", "said", "message"),
    [
        (TypeError, (None, 4, 2), {}, "fold: input is None, but it must be an array"),
        (ValueError, (Y[0, 0], (4, 5), 2), {}, "fold: input has shape (12,), but it must be "
         "(N, C * k, L) or (C * k, L), with k taps and L windows, as unfold returns it"),
        (ValueError, (Y, (4, 5), 3), {}, "fold: input has 12 rows, but it must have a multiple of "
         "9, the taps of kernel_size (3, 3)"),
        (ValueError, (Y, (4, 6), 2), {}, "fold: input has 12 columns, but it must have 15, which "
         "is 3 * 5: the windows in output_size (4, 6)"),
        (ValueError, (Y, (12,), (2,)), {}, "fold: input has 12 columns, but it must have 11: the "
         "windows in output_size (12,)"),
        (ValueError, (Y, 4, (2,)), {}, "fold: kernel_size has 1 entry, but it must be an integer "
         "or have 2, as output_size 4 has; for one spatial axis, write (output_size,)"),
        (ValueError, (Y, (4, 5), (2, 2, 2)), {}, "fold: kernel_size has 3 entries, but it must "),
        (ValueError, (Y, (4, -5), 2), {}, "fold: output_size[1] is -5, but it must be an integer"),
        (TypeError, (Y, "4", 2), {}, "fold: output_size is '4', but it must be an integer"),
        (ValueError, (Y, (1, 5), 2), {}, "fold: the result has size 1 on axis H, but a window of "
         "size 2 needs 2"),
        (ValueError, (Y, (4, 5), 2), {"stride": 0}, "fold: stride is 0, but it must be "),
        (TypeError, (Y, (4, 5), 2), {"channels_last": None}, "fold: channels_last is None, but "),
        (ValueError, (Y, (4, 5), 2), {"algorithm": "direct"}, "fold: algorithm is 'direct', but it "
         "must be one of 'auto', 'rows', 'reference'"),
        (ValueError, (Y, (4, 5), 2), {"out": np.ones((2, 3, 4, 6))}, "fold: out has shape "
         "(2, 3, 4, 6), but it must be (2, 3, 4, 5)"),
    ],
)  # fmt: skip
def test_errors(kind, arguments, said, message):
    with pytest.raises(kind, match=f"^{re.escape(message)}"):
        fold(*arguments, **said)
