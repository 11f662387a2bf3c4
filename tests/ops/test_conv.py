# SPDX-License-Identifier: BSD-3-Clause
"""Convolutions against the reference and SciPy: parameters, memory, and what users get wrong."""

import re
import time
from collections.abc import Sequence

import numpy as np
import pytest
from arrays import DTYPES, READABLE, WRITEABLE, numbers
from scipy import signal
from truth import assert_right, assert_same_bits
from ways import ALGORITHMS, CONV, ISAS, WORDS

import fastconv
from fastconv import conv1d, conv2d

pytestmark = pytest.mark.usefixtures("poisoned")

# Unequal primes, so that a swapped axis shows; more k than a block holds.
SRC, WEI = {1: (37,), 2: (11, 23), 3: (5, 7, 13)}, {1: (7,), 2: (3, 5), 3: (2, 3, 5)}
C_IN = {1: 53, 2: 29, 3: 13}


def operands(rank, dtype="f4", groups=1, batch=(2,)):
    x = numbers((*batch, groups * C_IN[rank], *SRC[rank]), dtype)
    w = numbers((17 * groups, C_IN[rank], *WEI[rank]), dtype, seed=1)
    return x, w, numbers((17 * groups,), dtype, seed=2)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "reference"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_every_algorithm_and_isa(rank, algorithm, dtype, isa):
    x, w, bias = operands(rank, dtype)
    said = {"padding": ((1, 2), (2, 0), (3, 1))[:rank]}
    with fastconv.settings(isa=isa):
        got = CONV[rank](x, w, bias, **said, algorithm=algorithm)
    assert_right(got, x, w, bias, **said)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(
    "said",
    [
        {"stride": 2},
        {"stride": [3, 1, 2], "padding": 2},
        {"stride": 7, "padding": 1},
        {"dilation": 2, "padding": 1},
        {"dilation": [1, 3, 2], "padding": [0, 3, 4]},
        {"dilation": 2, "stride": 3, "padding": [(0, 3), (2, 1), (5, 0)]},
        {"padding": [(-1, 0), (0, -2), (-1, -1)]},
        {"padding": [(-2, 9), (4, -3), (-1, 5)], "stride": 2},
        {"padding": [(9, 0), (0, 11), (8, 8)]},
        {"groups": 3},
        {"groups": 5, "stride": 2, "padding": "full", "dilation": [1, 2, 1]},
        *({"padding": word} for word in WORDS),
        *({"padding": word, "stride": [2, 3, 2]} for word in WORDS),
    ],
    ids=str,
)
def test_parameters(rank, algorithm, said):
    said = {key: v[-rank:] if isinstance(v, list) else v for key, v in said.items()}
    x, w, bias = operands(rank, groups=said.get("groups", 1))
    got = CONV[rank](x, w, bias, **said, algorithm=algorithm)
    assert_right(got, x, w, bias, **said)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("c_out", [1, 2, 3, 4, 7, 13, 14, 15, 16, 17, 31, 32, 33, 64, 65])
def test_output_channels(c_out, algorithm):
    """Strips of every height, vectors of every filling."""
    x, w = numbers((1, 19, 5, 7)), numbers((c_out, 19, 3, 3), seed=1)
    for prepared in (False, True):
        said = {"padding": 1, "algorithm": algorithm}
        got = fastconv.prepare(w, **said)(x) if prepared else conv2d(x, w, **said)
        assert_right(got, x, w, padding=1)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("channels", [1, 3, 64])
def test_one_input_channel_a_group(channels, algorithm):
    x, w = numbers((2, channels, 13, 37)), numbers((2 * channels, 1, 3, 5), seed=1)
    said = {"padding": 1, "groups": channels}
    assert_right(conv2d(x, w, **said, algorithm=algorithm), x, w, **said)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("x", "w", "padding"),
    [
        ((0, 3, 7, 5), (2, 3, 3, 3), 1),  # no batch
        ((2, 0, 7, 5), (2, 0, 3, 3), 1),  # no channels
        ((2, 3, 0, 5), (2, 3, 3, 3), 2),  # nothing but padding
        ((2, 3, 0, 0), (2, 3, 1, 1), 1),
        ((1, 1, 1, 1), (1, 1, 1, 1), 0),  # one pixel
        ((1, 3, 1, 1), (2, 3, 3, 5), 2),
        ((1, 3, 2, 3), (2, 3, 7, 5), 3),  # kernel larger than the input
        ((2, 3, 5, 7), (2, 3, 5, 7), 0),  # as large
        ((1, 2, 9, 4), (3, 2, 2, 3), ((-9, 11), (5, -4))),  # the window lies beside the input
        ((1, 1, 3, 400), (1, 1, 2, 300), 0),  # more taps than a block of k
        ((1, 3, 19, 18), (2, 3, 17, 18), 4),
    ],
    ids=str,
)
def test_extremes(x, w, padding, algorithm):
    x, w = numbers(x), numbers(w, seed=1)
    for bias in (None, numbers(w.shape[:1], seed=2)):
        got = conv2d(x, w, bias, padding=padding, algorithm=algorithm)
        assert_right(got, x, w, bias, padding=padding)


@pytest.mark.parametrize("batch", [(), (1,), (3,)])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_with_and_without_a_batch(rank, batch):
    x, w, bias = operands(rank, batch=batch)
    got = CONV[rank](x, w, bias, padding=1)
    assert got.ndim == rank + 1 + len(batch)
    assert_right(got, x, w, bias, padding=1)


def test_a_long_kernel_is_planned_in_a_moment():
    x, w = numbers((1, 1, 9000)), numbers((1, 1, 1500), seed=1)
    start = time.perf_counter()
    got = conv1d(x, w)
    assert time.perf_counter() - start < 1
    assert_right(got, x, w)


# ---- SciPy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["valid", "full", "same"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_against_scipy(rank, mode):
    x, w = numbers(SRC[rank], "f8"), numbers([k | 1 for k in WEI[rank]], "f8", seed=1)
    got = CONV[rank](x[None], w[None, None], padding=mode)[0]
    near = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(got, signal.correlate(x, w, mode, method="direct"), **near)
    flipped = np.flip(w)[None, None]
    got = CONV[rank](x[None], flipped, padding=mode)[0]
    np.testing.assert_allclose(got, signal.convolve(x, w, mode, method="direct"), **near)


# ---- memory ------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("layout", READABLE)
@pytest.mark.parametrize("operand", ["input", "weight", "bias"])
def test_layouts_of_operands(operand, layout, algorithm):
    for dtypes in [("f4", "f4"), ("f8", "f8"), ("f4", "f8"), ("f8", "f4")]:
        x, w = numbers((2, 7, 11, 13), dtypes[0]), numbers((5, 7, 3, 2), dtypes[1], seed=1)
        bias = numbers((5, 2, 2, 1), dtypes[0], seed=2)
        if operand == "input":
            x = READABLE[layout](x)
        elif operand == "weight":
            w = READABLE[layout](w)
        else:
            bias = READABLE[layout](bias)
        before = x.copy(), w.copy(), bias.copy()
        for said in ({}, {"stride": 2, "padding": 1}):
            got = conv2d(x, w, bias[:, 0, 0, 0], **said, algorithm=algorithm)
            assert_right(got, x, w, bias[:, 0, 0, 0], **said)
        for array, old in zip((x, w, bias), before, strict=True):
            assert_same_bits(array.astype(old.dtype), old)


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "reference"])
@pytest.mark.parametrize("layout", WRITEABLE)
def test_layouts_of_out(layout, algorithm):
    for dtype in DTYPES:
        x, w, bias = operands(2, dtype)
        expected = conv2d(x, w, bias, padding=1, algorithm=algorithm)
        out = WRITEABLE[layout](np.full(expected.shape, np.nan, dtype))
        assert conv2d(x, w, bias, padding=1, algorithm=algorithm, out=out) is out
        assert_same_bits(out.astype(dtype), expected)
        memory = out if out.base is None else out.base
        if layout in ("steps", "block"):
            assert (memory == 7).sum() == memory.size - out.size, "written beside its place"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("wei", [(1, 2, 1, 1), (1, 1, 1, 3), (5, 7, 3, 2)])
def test_weights_that_are_one_number(wei, algorithm):
    """In memory too: no step from one to the next."""
    memory = np.array([2, 7, 7, 7, 7, 7, 7, 7], "f4")
    x, w = numbers((2, wei[1], 9, 11)), np.broadcast_to(memory[:1], wei)
    for prepared in (False, True):
        said = {"padding": 1, "algorithm": algorithm}
        got = fastconv.prepare(w, **said)(x) if prepared else conv2d(x, w, **said)
        assert_right(got, x, w, padding=1)


def test_out_of_any_class():
    """A plan for one array must not be taken for the next that lives at its address."""

    class Ours(np.ndarray):
        pass

    x, w = numbers((1, 1, 64, 64)), numbers((1, 1, 1, 1), seed=1)
    large = np.zeros((1, 1, 64, 128), "f4")
    for _ in range(20):
        for view in (large[..., 64:], large[..., ::2]):
            large[...] = 0
            out = view.view(Ours)
            assert conv2d(x, w, out=out) is out
            assert_right(np.asarray(out), x, w)
            assert np.count_nonzero(large) <= 64 * 64
            del out


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "auto", "reference"])
def test_out_may_overlap(algorithm):
    x, w, bias = numbers((2, 3, 9, 9)), numbers((3, 3, 3, 3), seed=1), numbers((3,), seed=2)
    expected = conv2d(x, w, bias, padding=1)
    memory = numbers((2000,), seed=3)
    for start in (0, 1, 9, 81, 243):  # the input itself, then parts of it
        array = memory[start : start + x.size].reshape(x.shape)
        source = memory[: x.size].reshape(x.shape)
        source[...] = x
        got = conv2d(source, w, bias, padding=1, out=array, algorithm=algorithm)
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    x = numbers((1, 3, 5, 5))
    for what in ("weight", "bias"):
        memory = numbers((3, 3, 3, 3), seed=4)
        said = {"weight": memory} if what == "weight" else {"weight": w, "bias": memory[0, 0, 0]}
        right = conv2d(x, **said)
        conv2d(x, **said, out=memory[:1], algorithm=algorithm)
        np.testing.assert_allclose(memory[:1], right, rtol=1e-4, atol=1e-4)
    backwards = numbers((1, 3, 9, 9))
    right = conv2d(backwards, w, padding=1)
    conv2d(backwards, w, padding=1, out=backwards[..., ::-1])
    assert_same_bits(np.ascontiguousarray(backwards[..., ::-1]), right)


def test_lists():
    np.testing.assert_array_equal(conv1d([[1.0, 2.0, 4.0]], [[[1.0, -1.0]]], [1]), [[0.0, -1.0]])
    assert conv1d([[1.0, 2.0]], np.ones((1, 1, 1), "f4")).dtype == np.float64
    whole = conv1d([[1, 2, 4]], [[[1, -1]]], [2**62])
    assert (whole.dtype, whole.tolist()) == (np.int64, [[2**62 - 1, 2**62 - 2]])
    assert conv1d([[1, 2]], [[[0.5]]]).tolist() == [[0.5, 1.0]]
    assert conv1d([[1j, 2]], [[[1j]]]).tolist() == [[-1, 2j]]
    assert conv1d([[1.0, 2.0]], [[[1.0]]], stride=[np.int64(1)], padding=np.array([0])).size == 2


# ---- what users get wrong: the messages are tested with spec.py ---------------------------------

X, W = np.ones((2, 6, 11, 13), "f4"), np.ones((4, 3, 3, 5), "f4")
BAD = [
    (ValueError, "input", {"weight": np.ones((4, 6, 3, 5), "f4")}),
    (ValueError, "input", {"input": X[0, 0]}),
    (ValueError, "weight", {"weight": W[0]}),
    (ValueError, "input", {"groups": 4}),
    (ValueError, "input has size 11 on axis H,", {"weight": np.ones((4, 3, 12, 5), "f4")}),
    (ValueError, "input has size 13 on axis W,", {"padding": ((0, 0), (-9, 0))}),
    *((ValueError, word, {word: bad}) for word in ("stride", "dilation") for bad in (0, -1)),
    *((TypeError, word, {word: bad}) for word in ("stride", "dilation")
      for bad in (1.5, np.nan, True, "2", None, (1, 2.0))),
    (ValueError, "stride", {"stride": (1, 1, 1)}),
    (ValueError, "padding", {"padding": (1, 1, 1)}),
    (ValueError, "padding", {"padding": ((1, 1, 1), 0)}),
    (ValueError, "padding", {"padding": "reflect"}),
    (ValueError, "padding", {"padding": 2**31}),
    (ValueError, "input with padding", {"padding": 2**31 - 1}),
    (ValueError, "groups", {"groups": 0}),
    (ValueError, "algorithm", {"algorithm": "winograd"}),
    (ValueError, "threads", {"threads": 0}),
    (TypeError, "threads", {"threads": 1.0}),
    *((TypeError, word, {word: a.astype(kind)}) for word, a in (("input", X), ("weight", W))
      for kind in ("O", "g", "G", "S4", "U4", "M8[s]", "m8[s]", "f4,f4")),
    (TypeError, "input", {"input": np.ma.masked_array(X)}),
    (TypeError, "input", {"input": None}),
    (ValueError, "input", {"input": [[1.0], [1.0, 2.0]]}),
    (ValueError, "bias", {"bias": np.ones(3)}),
    (TypeError, "bias", {"bias": np.ones(4, "F")}),
    (TypeError, "out", {"out": np.ones((2, 4, 9, 9))}),
    (TypeError, "out", {"out": [1.0]}),
    (ValueError, "out", {"out": np.ones((2, 4, 9, 8), "f4")}),
    (ValueError, "out", {"out": np.broadcast_to(np.float32(1), (2, 4, 9, 9))}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "words", "said"), BAD)
def test_bad_input_is_named_each_time(kind, words, said):
    good = conv2d(X, W, groups=2)
    out = said.get("out")
    before = None if out is None else np.array(out)
    for _ in range(2):
        with pytest.raises(kind, match=rf"^conv2d: {re.escape(words)}[ \[]"):
            conv2d(**{"input": X, "weight": W, "groups": 2} | said)
    assert out is None or np.array_equal(out, before)
    assert_same_bits(conv2d(X, W, groups=2), good)


def test_unusable_settings_name_what_is_usable():
    with pytest.raises(ValueError, match="generic"):
        fastconv.settings(isa="sse9")
    with pytest.raises(ValueError, match="'direct', 'im2col_gemm'"):
        fastconv.settings(algorithm="winograd")


def test_numbers_that_look_alike_are_not_confused():
    class Number:
        def __init__(self, number):
            self.number = number

        def __index__(self):
            return self.number

        def __repr__(self):
            return "Number"

    x, w = np.ones((1, 9)), np.ones((1, 1, 1))
    assert fastconv.conv1d(x, w, stride=Number(1)).shape == (1, 9)
    assert fastconv.conv1d(x, w, stride=Number(2)).shape == (1, 5)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_out_one_cell_wide_with_gaps(algorithm):
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((4, 3, 19, 1)), rng.standard_normal((7, 3, 1, 1))
    memory = np.full((4, 7, 5, 19), 7.0)
    out = memory.transpose(0, 1, 3, 2)[..., :1]
    fastconv.conv2d(x, w, out=out, algorithm=algorithm)
    np.testing.assert_array_equal(out, fastconv.conv2d(x, w))
    assert (memory[:, :, 1:] == 7).all()


def test_a_sequence_that_changes_is_not_taken_for_the_old_one():
    class Pair(Sequence):
        items = (1, 1)

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return self.items[index]

    x, w, padding = np.ones((1, 3, 5)), np.ones((1, 1, 1, 1)), Pair()
    assert fastconv.conv2d(x, w, padding=padding).shape == (1, 5, 7)
    padding.items = (2, 2)
    assert fastconv.conv2d(x, w, padding=padding).shape == (1, 7, 9)


@pytest.mark.parametrize(("dtype", "big"), [("f4", 1e300), ("c8", 1e300j)])
def test_a_bias_beyond_the_dtype_of_the_sums_is_inf(dtype, big):
    got = fastconv.conv1d(np.ones((1, 3), dtype), np.ones((1, 1, 1), dtype), [big])
    assert np.isinf(got).all()
