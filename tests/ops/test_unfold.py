# SPDX-License-Identifier: BSD-3-Clause
"""unfold: windows as columns, of every rank, dtype, layout and border."""

import os
import pickle
import re

import numpy as np
import pytest
from arrays import EVERY, READABLE, WRITEABLE, numbers
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from patches import each, unfolded
from ways import ISAS, WORDS

import fastconv
from fastconv import plan, unfold
from fastconv._spec.borders import MODES

EXAMPLES = int(os.environ.get("FASTCONV_EXAMPLES", "400"))


def assert_moved(got, expected):
    """The same bits, in this machine's byte order."""
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype.newbyteorder("=")
    assert got.tobytes() == expected.astype(got.dtype).tobytes()


def with_isa(isa, *arguments, **said):
    with fastconv.settings(isa=isa):
        return unfold(*arguments, **said)


# ---- what it is --------------------------------------------------------------------------------


def test_it_is_what_the_docstring_says():
    x = numbers((2, 3, 7, 5))
    got = unfold(x, (3, 2), (2, 1), 1, (1, 2)).reshape(2, 3, 3, 2, 5, 3)
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for i, j, y, z in np.ndindex(got.shape[2:]):
        np.testing.assert_array_equal(got[:, :, i, j, y, z], wide[:, :, y + 2 * i, 2 * z + j])


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_product_with_weights_is_the_convolution(rank):
    shape, kernel = (2, 3, *(7, 5, 11)[:rank]), (5, 3, *(3, 2, 2)[:rank])
    x, w = numbers(shape, "i4") % 100, numbers(kernel, "i4") % 100
    said = {"stride": 2, "padding": ((1, 2),) * rank, "padding_mode": "mirror"}
    conv = getattr(fastconv, f"conv{rank}d")(x, w, **said)
    got = w.reshape(5, -1) @ unfold(x, kernel[2:], **said)
    np.testing.assert_array_equal(got.reshape(conv.shape), conv)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "?"])
def test_it_is_that_of_torch(dtype):
    import torch

    x = numbers((2, 3, 11, 13), dtype)
    for kernel, dilation, padding, stride in (
        (3, 1, 0, 1),
        ((2, 5), (3, 1), (1, 2), (2, 3)),
        ((1, 3), 2, (0, 3), 1),
    ):
        expected = torch.nn.functional.unfold(
            torch.from_numpy(x), kernel, dilation, padding, stride
        )
        assert_moved(unfold(x, kernel, dilation, padding, stride), expected.numpy())


# ---- sizes, layouts, dtypes --------------------------------------------------------------------


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", EVERY, ids=str)
@pytest.mark.parametrize("layout", sorted(READABLE))
def test_any_dtype_and_layout(isa, dtype, layout):
    x = numbers((2, 3, 7, 37), dtype)
    for stride, width in ((1, 3), (2, 1), (3, 35)):
        said = ((2, width), (1, 1), ((1, 0), (1, 2)), (1, stride))
        kernel, dilation, padding, strides = said
        expected = unfolded(READABLE[layout](x), kernel, dilation, padding, strides)
        got = with_isa(isa, READABLE[layout](x), kernel, dilation, padding, strides)
        assert_moved(got, expected)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("width", [*range(1, 20), 31, 32, 33, 63, 64, 65, 127, 130])
def test_rows_of_any_length(isa, width):
    for dtype in ("u1", "u2", "f4", "c16"):
        x = numbers((1, 2, 3, width), dtype)
        expected = unfolded(x, (2, 1), (1, 1), ((1, 1), (0, 0)), (1, 1))
        assert_moved(with_isa(isa, x, (2, 1), padding=(1, 0)), expected)
        expected = unfolded(x, (1, 3), (1, 1), ((0, 0), (1, 1)), (1, 1))
        assert_moved(with_isa(isa, x, (1, 3), padding=(0, 1)), expected)


@pytest.mark.parametrize("to", sorted(WRITEABLE))
@pytest.mark.parametrize("dtype", ["f4", "u2", "c16", "?"])
def test_out(to, dtype):
    x = numbers((3, 2, 5, 7), dtype)
    expected = unfolded(x, (2, 3), (1, 1), ((0, 0), (1, 1)), (1, 2))
    for source in (x, x.astype(x.dtype.newbyteorder("S"))):
        out = WRITEABLE[to](np.zeros(expected.shape, dtype))
        assert unfold(source, (2, 3), padding=(0, 1), stride=(1, 2), out=out) is out
        np.testing.assert_array_equal(out, expected)


def test_out_overlaps_the_input():
    memory = numbers((4000,))
    x, out = memory[:120].reshape(2, 3, 4, 5), memory[100:532].reshape(2, 12, 18)[:, :, :12]
    expected = unfold(x.copy(), 2)
    assert unfold(x, 2, out=out) is out
    np.testing.assert_array_equal(out, expected)
    how = plan(unfold, x, 2, out=out)
    assert how.copies == ("out: whole, because it overlaps an input",)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    ("shape", "kernel", "said"),
    [
        ((1, 1, 300007), (5,), {"padding": 2}),  # a row in parts
        ((1, 37, 61, 67), (3, 3), {"padding": 1}),
        ((1, 61, 67, 37), (3, 3), {"padding": 1, "channels_last": True}),
        ((1, 5, 23, 29, 64), (2, 3, 3), {"padding": 1, "channels_last": True}),
        ((101, 17, 7, 5), (3, 3), {"padding": 2}),  # lines that are made together
        ((2, 1, 501, 1), (7, 1), {"padding_mode": "wrap", "padding": (700, 0)}),
        ((3, 11, 13, 17), (2, 3, 5), {"stride": (1, 2, 3), "padding_mode": "symmetric",
                                       "padding": 4}),
    ],
    ids=str,
)  # fmt: skip
def test_any_number_of_threads(threads, shape, kernel, said):
    x = numbers(shape)
    got = unfold(x, kernel, threads=threads, **said)
    assert_moved(got, unfold(x, kernel, algorithm="reference", **said))


def test_an_input_without_elements():
    assert unfold(np.ones((0, 3, 5, 7)), 3).shape == (0, 27, 15)
    assert unfold(np.ones((2, 0, 5, 7)), 3).shape == (2, 0, 15)
    np.testing.assert_array_equal(
        unfold(np.ones((1, 1, 0), "u1"), (2,), padding=1, padding_value=7), np.full((1, 2, 1), 7)
    )


def test_numbers_that_no_arithmetic_keeps():
    bits = np.array([[0x7FC12345, 0xFF800001, 0x80000000, 1]], "u4")
    got = unfold(bits.view("f4"), (2,), padding=1, padding_value=-0.0)
    assert got.view("u4").tolist() == [
        [0x80000000, *bits[0].tolist()],
        [*bits[0].tolist(), 0x80000000],
    ]


# ---- any that can be asked for -----------------------------------------------------------------


@st.composite
def problems(draw):
    """(input with a batch axis, kernel, keywords of which all are per axis)."""
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
        "padding_mode": per_axis(st.sampled_from(sorted(MODES))),
        "channels_last": draw(st.booleans()),
    }
    each_axis = zip(sizes, kernel, said["dilation"], said["padding"], strict=True)
    assume(all(n + a + b >= d * (k - 1) + 1 for n, k, d, (a, b) in each_axis))
    assume(all(sizes) or set(said["padding_mode"]) == {"constant"})
    if "constant" in said["padding_mode"]:
        said["padding_value"] = draw(st.sampled_from([0, 1]))
    batch, channels = draw(st.sampled_from([0, 1, 2, 3])), draw(st.sampled_from([0, 1, 2, 5, 17]))
    dtype = draw(st.sampled_from(EVERY))
    shape = (batch, *sizes, channels) if said["channels_last"] else (batch, channels, *sizes)
    x = READABLE[draw(st.sampled_from(sorted(READABLE)))](numbers(shape, dtype))
    return x, kernel, said


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(problem=problems(), threads=st.sampled_from([1, 2, 3]), isa=st.sampled_from(ISAS))
def test_against_the_truth(problem, threads, isa):
    x, kernel, said = problem
    expected = unfolded(
        x, kernel, said["dilation"], said["padding"], said["stride"], said["padding_mode"],
        said.get("padding_value", 0), said["channels_last"],
    )  # fmt: skip
    assert_moved(with_isa(isa, x, kernel, threads=threads, **said), expected)
    assert_moved(unfold(x, kernel, algorithm="reference", **said), expected)
    if len(x) == 1:
        assert_moved(with_isa(isa, x[0], kernel, threads=threads, **said), expected[0])


@pytest.mark.parametrize("word", WORDS)
def test_padding_words_are_those_of_convolutions(word):
    x = numbers((2, 3, 11, 7))
    for stride in (1, 2):
        said = {"padding": word, "stride": stride, "dilation": (1, 2)}
        conv = fastconv.plan("conv2d", x, (1, 3, 2, 3), **said)
        pads = [(axis.before, axis.after) for axis in conv.spec.user_axes]
        got = unfold(x, (2, 3), **said)
        assert_moved(got, unfolded(x, (2, 3), (1, 2), pads, each(stride, 2)))


# ---- plans and errors --------------------------------------------------------------------------


def test_a_plan():
    how = plan("unfold", (1, 64, 56, 56), 3, padding=1, threads=2)
    assert (how.algorithm, how.threads, how.orientation, how.flops) == ("rows", 2, "none", 0)
    assert how.output_shape == (1, 576, 3136)
    assert how.bytes == 4 * 64 * 3136 * 10
    assert how.tasks >= 8
    assert str(how).startswith("unfold float32  1x64x56x56 -> 1x576x3136\nrows  ")
    assert how.refused == (("reference", "only by name: slow and obvious, for tests"),)
    assert pickle.loads(pickle.dumps(how)) == how
    bordered = plan(unfold, (1, 1, 9), (3,), padding=1, padding_value=2)
    assert bordered.pack == "input float32, border constant 2.0"
    assert plan(unfold, (1, 1, 9), (3,)).threads == 1, "too little work for two"
    slow = plan(unfold, (1, 1, 9), (3,), algorithm="reference")
    assert (slow.algorithm, slow.isa) == ("reference", "numpy")
    assert repr(how.spec) == "UnfoldSpec(unfold, (1, 64, 56, 56) -> (1, 576, 3136), dtype=float32)"


X = np.ones((2, 3, 6, 5))


@pytest.mark.parametrize(
    ("kind", "arguments", "said", "message"),
    [
        (TypeError, (None, 3), {}, "unfold: input is None, but it must be an array"),
        (TypeError, (X.astype("M8[s]"), 3), {}, "unfold: input has dtype datetime64[s], but it "),
        (ValueError, (X[0, 0], 3), {}, "unfold: input has shape (6, 5), but it must be "
         "(N, C, H, W) or (C, H, W) where kernel_size is one integer; for one spatial axis, write "
         "(kernel_size,)"),
        (ValueError, (X, (3,)), {}, "unfold: input has shape (2, 3, 6, 5), but it must be "
         "(N, C, L) or (C, L) where kernel_size has 1 entry"),
        (ValueError, (X[0], (3, 3, 3)), {"channels_last": True}, "unfold: input has shape "
         "(3, 6, 5), but it must be (N, D, H, W, C) or (D, H, W, C) where kernel_size has 3 "
         "entries"),
        (ValueError, (X, ()), {}, "unfold: kernel_size is (), but it must be an integer (for 2 "
         "spatial axes), or 1 to 3 of them, one per spatial axis"),
        (ValueError, (X, (1, 2, 3, 4)), {}, "unfold: kernel_size is (1, 2, 3, 4), but it must be "),
        (ValueError, (X, 0), {}, "unfold: kernel_size is 0, but it must be an integer of at least "
         "1 (for 2 spatial axes), or 1 to 3 of them, one per spatial axis"),
        (ValueError, (X, (3, -1)), {}, "unfold: kernel_size[1] is -1, but it must be an integer"),
        (TypeError, (X, 2.0), {}, "unfold: kernel_size is 2.0, but it must be an integer of at "),
        (TypeError, (X, None), {}, "unfold: kernel_size is None, but it must be an integer of at "),
        (ValueError, (X, (3, 6)), {}, "unfold: input has size 5 on axis W, but a window of size 6 "
         "needs 6"),
        (ValueError, (X, 3), {"padding": ((0, 0), (-2, -1)), "dilation": 2}, "unfold: input has "
         "size 5 on axis W, 2 with padding (-2, -1), but a window of size 3 with dilation 2 "
         "needs 5"),
        (ValueError, (X, 3), {"stride": 0}, "unfold: stride is 0, but it must be "),
        (ValueError, (X, 3), {"dilation": (1, 0)}, "unfold: dilation[1] is 0, but it must be "),
        (ValueError, (X, 3), {"padding": "all"}, "unfold: padding is 'all', but it must be "),
        (ValueError, (X, 3), {"padding_mode": "reflect"}, "unfold: padding_mode is 'reflect', "),
        (ValueError, (X, 3), {"padding_mode": "edge", "padding_value": 1}, "unfold: padding_value "
         "is 1"),
        (ValueError, (X.astype("u1"), 3), {"padding": 1, "padding_value": 256}, "unfold: "
         "padding_value is 256, but it must be an integer from 0 to 255 for an input of uint8"),
        (ValueError, (X[:, :, :0], 1), {"padding": 1, "padding_mode": "wrap"}, "unfold: input has "
         "size 0 on axis H, but it must be at least 1 for padding_mode 'wrap'"),
        (TypeError, (X, 3), {"channels_last": 1}, "unfold: channels_last is 1, but it must be "),
        (ValueError, (X, 3), {"algorithm": "direct"}, "unfold: algorithm is 'direct', but it must "
         "be one of 'auto', 'rows', 'reference'"),
        (ValueError, (X, 3), {"threads": 0}, "unfold: threads is 0, but it must be "),
        (TypeError, (X, 3), {"out": [1]}, "unfold: out is a list, but it must be a numpy.ndarray"),
        (TypeError, (X, 3), {"out": np.ones((2, 27, 12), "f4")}, "unfold: out has dtype float32, "
         "but it must be float64"),
        (ValueError, (X, 3), {"out": np.ones((2, 27, 13))}, "unfold: out has shape (2, 27, 13), "
         "but it must be (2, 27, 12)"),
        (ValueError, (X, 3), {"out": np.broadcast_to(1.0, (2, 27, 12))}, "unfold: out is "
         "read-only"),
        (ValueError, (X, 1), {"padding": 2**30}, "unfold: output of shape "),
    ],
)  # fmt: skip
def test_errors(kind, arguments, said, message):
    with pytest.raises(kind, match=f"^{re.escape(message)}"):
        unfold(*arguments, **said)


def test_a_layer_has_weights():
    with pytest.raises(ValueError, match=r"^prepare: operation is 'unfold', but it must be "):
        fastconv.prepare("unfold", X)
