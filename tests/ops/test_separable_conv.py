# SPDX-License-Identifier: BSD-3-Clause
"""depthwise_separable_conv: a depthwise convolution and then a pointwise one, in bands."""

import pickle
import re
from contextlib import contextmanager

import numpy as np
import pytest
from arrays import BF16, numbers
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import assert_same_bits
from ways import CONV, ISAS, WORDS, planned_anew, with_caches

import fastconv
from fastconv import conv2d, depthwise_separable_conv2d, plan, prepare
from fastconv._plan import constants, divide, machine
from fastconv._spec.axis import Axis
from fastconv._spec.borders import MODES, reach

pytestmark = pytest.mark.usefixtures("poisoned")
SEPARABLE = {rank: getattr(fastconv, f"depthwise_separable_conv{rank}d") for rank in CONV}
DEPTHWISE = {rank: getattr(fastconv, f"depthwise_conv{rank}d") for rank in CONV}
POINTWISE = {rank: getattr(fastconv, f"pointwise_conv{rank}d") for rank in CONV}
OF_BOTH = ("channels_last", "dtype", "threads")


@contextmanager
def band_bytes(size):
    """What lies between may take so many bytes."""

    @contextmanager
    def share():
        before = constants.BAND_SHARE
        constants.BAND_SHARE = size / machine.caches()["L2"]
        try:
            yield
        finally:
            constants.BAND_SHARE = before

    with planned_anew(share()):
        yield


def two_calls(x, first, second, said):
    """Both convolutions, the whole of each."""
    said = dict(said)
    rank = first.ndim - 2
    words = ("bias", "residual", "activation", "alpha", "beta", "out", "overflow")
    later = {word: said.pop(word) for word in words if word in said}
    both = {word: said[word] for word in OF_BOTH if word in said}
    bias, activation = said.pop("depthwise_bias", None), said.pop("depthwise_activation", None)
    between = DEPTHWISE[rank](x, first, bias, activation=activation, **said)
    return POINTWISE[rank](between, second, **both, **later)


@st.composite
def problems(draw):
    """(input, both weights, keywords, bytes of a band)."""
    rank = draw(st.integers(1, 3))

    def per_axis(entries):
        return draw(st.lists(entries, min_size=rank, max_size=rank))

    dtypes = draw(
        st.sampled_from([("f4",) * 3, ("f4",) * 3, ("f8", "f4", "f4"), ("i1", "i1", "i1"),
                         ("u2", "i2", "i4"), ("i4", "i4", "i8"), ("c8", "f4", "f4"),
                         ("f4", "f4", "c8")])
    )  # fmt: skip
    channels, multiplier, outputs = (draw(st.integers(1, most)) for most in (7, 2, 19))
    kernel = per_axis(st.integers(1, 3))
    last = draw(st.booleans())
    said = {
        "stride": per_axis(st.integers(1, 3)),
        "dilation": per_axis(st.integers(1, 2)),
        "padding": draw(st.sampled_from([*WORDS, 1, [(7, 0)] * rank, [(-1, 9)] * rank])),
        "padding_mode": per_axis(st.sampled_from(list(MODES))),
        "channels_last": last,
        "flip": draw(st.booleans()),
    }
    if "constant" in said["padding_mode"] and draw(st.booleans()):
        said["padding_value"] = 3
    batch, sizes = draw(st.sampled_from([(), (1,), (3,)])), per_axis(st.integers(6, 17))
    x = numbers((*batch, *sizes, channels) if last else (*batch, channels, *sizes), dtypes[0])
    first = numbers((channels * multiplier, 1, *kernel), dtypes[1], 1)
    second = numbers((outputs, channels * multiplier), dtypes[2], 2)
    if draw(st.booleans()):
        said["depthwise_bias"] = numbers((len(first),), dtypes[1], 3)
    if draw(st.booleans()):
        said["bias"] = numbers((outputs,), "i1", 4)
    if dtypes[0] != "c8" and draw(st.booleans()):
        said["depthwise_activation"] = draw(st.sampled_from(["relu", "relu6", ("clip", -2, 3)]))
    if "c8" not in dtypes and draw(st.booleans()):
        said["activation"] = "relu"
    if draw(st.booleans()):
        shape = two_calls(x, first, second, said).shape
        result = two_calls(x, first, second, said).dtype
        said |= {"residual": numbers(shape, result, 5), "alpha": 2}
    return x, first, second, said, draw(st.sampled_from([1, 300, 2000, 10**6]))


@settings(max_examples=150, deadline=None)
@given(problems(), st.sampled_from(ISAS), st.integers(1, 3))
def test_bits_are_those_of_two_calls(problem, isa, threads):
    x, first, second, said, size = problem
    with band_bytes(size), fastconv.settings(isa=isa, threads=threads):
        expected = two_calls(x, first, second, said)
        separable = SEPARABLE[first.ndim - 2]
        assert_same_bits(separable(x, first, second, **said), expected)
        residual = said.pop("residual", None)
        layer = prepare(separable, first, second, **said)
        for _ in range(2):
            assert_same_bits(layer(x, residual=residual), expected)
        assert_same_bits(pickle.loads(pickle.dumps(layer))(x, residual=residual), expected)
        got = separable(x, first, second, residual=residual, **said, algorithm="reference")
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("way", ["auto", "bands", "direct", "im2col_gemm"])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_bits_do_not_depend_on_bands_threads_or_algorithms(way, threads):
    x, first, second = numbers((3, 5, 17, 13)), numbers((5, 1, 3, 3)), numbers((7, 5), seed=1)
    said = {"padding": 1, "depthwise_activation": "silu"}
    expected = two_calls(x, first, second, said)
    for size in (1, 1000, 5000, 10**6):
        with band_bytes(size):
            got = depthwise_separable_conv2d(
                x, first, second, **said, algorithm=way, threads=threads
            )
            assert_same_bits(got, expected)


@pytest.mark.parametrize("dtype", ["f2", "bfloat16"])
def test_what_lies_between_is_not_rounded_to_halves(dtype):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    x, first, second = (
        numbers(shape, "f4", seed).astype(dtype)
        for seed, shape in enumerate([(5, 11, 13), (5, 1, 3, 3), (7, 5)])
    )
    wide = (array.astype(np.float32) for array in (x, first, second))
    expected = depthwise_separable_conv2d(*wide).astype(dtype)
    assert_same_bits(depthwise_separable_conv2d(x, first, second), expected)


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("padding_mode", ["constant", "edge"])
@pytest.mark.parametrize("last", [False, True])
def test_weights_that_are_not_finite(value, padding_mode, last):
    x, first, second = numbers((19, 11, 71)), numbers((19, 1, 3, 3)), numbers((7, 19), seed=1)
    x = np.ascontiguousarray(np.moveaxis(x, 0, -1)) if last else x
    said = {"padding": 1, "padding_mode": padding_mode, "channels_last": last}
    for array, at in ((first, (2, 0)), (second, (3, 2))):
        array[at] = value
        with np.errstate(invalid="ignore"):
            expected = two_calls(x, first, second, said)
            for size in (20000, 10**6):
                with band_bytes(size):
                    got = depthwise_separable_conv2d(x, first, second, **said)
                    assert_same_bits(got, expected)
                    layer = prepare(depthwise_separable_conv2d, first, second, **said)
                    assert_same_bits(layer(x), expected)


def test_out_residual_and_beta():
    x, first, second = numbers((2, 5, 11, 13)), numbers((5, 1, 3, 3)), numbers((5, 5), seed=1)
    r = numbers(x.shape, seed=2)
    for size in (500, 10**6):
        with band_bytes(size):
            said = {"padding": 1, "residual": r, "beta": 0.5}
            expected = two_calls(x, first, second, said | {"out": r.copy()})
            out = r.copy()
            assert depthwise_separable_conv2d(x, first, second, out=out, **said) is out
            assert_same_bits(out, expected)
            out = r.copy()  # which is the residual, too
            depthwise_separable_conv2d(x, first, second, padding=1, residual=out, beta=0.5, out=out)
            assert_same_bits(out, expected)
            for other in (x, first):  # which is read after parts of it are written
                whole = np.zeros(4000, np.float32)
                moved = whole[7 : 7 + other.size].reshape(other.shape)
                moved[...] = other
                a, b = (moved, first) if other is x else (x, moved)
                expected = two_calls(a, b, second, {"padding": 1})
                out = whole[: r.size].reshape(r.shape)
                assert_same_bits(depthwise_separable_conv2d(a, b, second, padding=1, out=out),
                                 expected)  # fmt: skip


def test_biases_that_come_and_go():
    x, first, second = numbers((5, 11, 13)), numbers((5, 1, 3, 3)), numbers((7, 5), seed=1)
    biases = {"depthwise_bias": numbers((5,), seed=2), "bias": numbers((7,), seed=3)}
    for words in ((), ("bias",), ("depthwise_bias",), ("bias", "depthwise_bias")):
        said = {word: biases[word] for word in words}
        got = depthwise_separable_conv2d(x, first, second, **said)
        assert_same_bits(got, two_calls(x, first, second, said))


def test_empty_arrays():
    first, second = np.ones((3, 1, 3, 3)), np.ones((5, 3))
    assert depthwise_separable_conv2d(np.ones((0, 3, 7, 7)), first, second).shape == (0, 5, 5, 5)
    layer = prepare(depthwise_separable_conv2d, first, second)
    assert layer(np.ones((0, 3, 7, 7))).shape == (0, 5, 5, 5)


def test_what_lies_between_takes_half_of_the_cache():
    shapes = (2, 32, 56, 67), (32, 1, 3, 3), (64, 32)
    row = 32 * 67 * 4
    for threads in (1, 2, 3):
        with with_caches(l2=20 * row):
            how = plan(depthwise_separable_conv2d, *shapes, padding=1, threads=threads)
            found = how._engine.run.__self__.planned
            assert how.algorithm == "bands"
            assert len(found.each) >= 12
            assert 5 * row < found.between_bytes[0] <= 10 * row
            assert how.copies[0] == "between convolutions: bands of the cache's size"
            written = np.zeros((2, 64, 56, 67), int)
            for band in found.each:
                written[band.writes] += 1
            assert (written == 1).all()
    assert str(plan("depthwise_separable_conv2d", (3, 5, 7), (3, 1, 3, 3), (4, 3))).startswith(
        "depthwise_separable_conv2d float32  3x5x7 * 3x1x3x3 * 4x3x1x1 -> 4x3x5\nbands"
    )


@given(
    st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(1, 2),
    st.integers(-2, 12), st.integers(-2, 12), st.sampled_from(list(MODES.values())), st.data(),
)  # fmt: skip
def test_a_piece_of_an_axis_reads_what_the_axis_reads(n, k, stride, dilation, a, b, border, data):
    axis = Axis(n, k, stride, dilation, a, b, border)
    if axis.outputs < 1 or min(n + a, n + b) < 0:
        return
    first = data.draw(st.integers(0, axis.outputs - 1))
    end = data.draw(st.integers(first + 1, axis.outputs))

    def read(axis, elements):
        at = np.arange(axis.outputs)[:, None] * stride + np.arange(k) * dilation - axis.before
        if axis.border:
            place = reach(axis.border, at, axis.n)
        else:
            place = np.where((at >= 0) & (at < axis.n), at, -1)
        return np.append(elements, -1)[place]

    elements = np.arange(n)
    part, piece = axis.piece(first, end)
    assert piece.outputs == end - first
    assert piece.n == len(elements[part])
    assert (read(piece, elements[part]) == read(axis, elements)[first:end]).all()


def test_lengths_of_bands():
    assert divide._steps((3, 1, 7, 10), 1000) == [3, 1, 7, 10]
    assert divide._steps((3, 1, 7, 10), 150) == [2, 1, 7, 10]
    assert divide._steps((3, 1, 7, 10), 60) == [1, 1, 4, 10]
    assert divide._steps((3, 1, 7, 10), 9) == [1, 1, 1, 5]
    assert divide._steps((3, 1, 7, 10), 0) == [1, 1, 1, 1]


X = np.ones((2, 3, 7, 5), np.float32)
SHAPES = {"depthwise_weight": (3, 1, 3, 3), "pointwise_weight": (4, 3)}


@pytest.mark.parametrize(
    ("kind", "said", "message"),
    [
        (ValueError, {"depthwise_weight": (7, 1, 3, 3)}, "depthwise_weight has 7 output channels, "
         "but it must be a positive multiple of the 3 channels of input"),
        (ValueError, {"depthwise_weight": (3, 3, 3)}, "depthwise_weight has shape (3, 3, 3), but "
         "it must be (C * multiplier, 1, kH, kW); write depthwise_weight[:, None]"),
        (ValueError, {"pointwise_weight": (3, 4)}, "pointwise_weight has 4 input channels, but it "
         "must have 3, as depthwise_weight has output channels; write "
         "pointwise_weight.swapaxes(0, 1) if its axes are (C, O)"),
        (ValueError, {"pointwise_weight": (4, 3, 3, 1)}, "pointwise_weight has shape (4, 3, 3, 1), "
         "but it must be (O, C * multiplier) or (O, C * multiplier, 1, 1)"),
        (ValueError, {"pointwise_weight": (0, 3)}, "pointwise_weight has 0 output channels"),
        (ValueError, {"depthwise_activation": "rely"}, "depthwise_activation is 'rely', "),
        (ValueError, {"activation": "rely"}, "activation is 'rely', "),
        (ValueError, {"depthwise_bias": np.ones(4)}, "depthwise_bias has shape (4,), but it must "
         "be (3,)"),
        (ValueError, {"bias": np.ones(3)}, "bias has shape (3,), but it must be (4,)"),
        (ValueError, {"stride": 0}, "stride is 0, "),
        (ValueError, {"algorithm": "phases"}, "algorithm is 'phases', "),
    ],
)  # fmt: skip
def test_errors(kind, said, message):
    said = SHAPES | said
    arrays = {word: np.ones(said.pop(word), np.float32) for word in SHAPES}
    with pytest.raises(kind, match=f"^depthwise_separable_conv2d: {re.escape(message)}"):
        depthwise_separable_conv2d(X, **arrays, **said)
    if "the 3 channels of input" not in message:
        with pytest.raises(kind, match=f"^prepare: {re.escape(message)}"):
            prepare(depthwise_separable_conv2d, **arrays, **said)


@pytest.mark.parametrize("word", ["depthwise_weight", "pointwise_weight", "input"])
def test_errors_name_the_array(word):
    arrays = {"input": X} | {name: np.ones(shape) for name, shape in SHAPES.items()}
    for wrong, kind in ((None, TypeError), (np.array(["a"]), TypeError)):
        with pytest.raises(kind, match=f"^depthwise_separable_conv2d: {word} "):
            depthwise_separable_conv2d(**arrays | {word: wrong})


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("depthwise_activation", "foo"),
        ("depthwise_bias", np.ones(7)),
        ("bias", np.ones(7)),
        ("activation", "foo"),
        ("overflow", "clip"),
        ("dtype", "?"),
    ],
)
def test_a_layer_names_what_is_wrong_for_every_input(word, wrong):
    """A complex padding_value is wrong for some inputs only."""
    weights = {name: np.ones(shape, np.float32) for name, shape in SHAPES.items()}
    with pytest.raises((TypeError, ValueError), match=f"^prepare: {word} "):
        prepare(depthwise_separable_conv2d, **weights, padding_value=1j, **{word: wrong})


def test_a_layer_names_a_wrong_bias_whatever_the_pointwise_weight():
    """Inputs of bfloat16, as the depthwise weight is, have no dtype in common with the other."""
    first, second = np.ones((1, 1, 1, 1), BF16), np.ones((1, 1), ">i8")
    with pytest.raises(ValueError, match=r"^prepare: depthwise_bias has shape"):
        prepare(depthwise_separable_conv2d, first, second, depthwise_bias=227)


@pytest.mark.parametrize("algorithm", ["auto", "reference"])
def test_a_layer_refuses_a_real_input_for_a_complex_bias(algorithm):
    weights = np.ones((2, 1, 3), np.float32), np.ones((5, 2), np.float32)
    said = {"depthwise_bias": np.array([1, 2j], np.complex64), "algorithm": algorithm}
    layer = prepare(fastconv.depthwise_separable_conv1d, *weights, **said)
    x = np.ones((2, 7), np.complex64)
    np.testing.assert_array_equal(layer(x)[0], np.full(5, 7 + 2j))
    with pytest.raises(TypeError, match="depthwise_bias has dtype complex64, but it must be real"):
        layer(x.real)


def test_a_layer_tells_what_was_said():
    first, second = numbers((3, 1, 3, 3)), numbers((4, 3), seed=1)
    layer = prepare("depthwise_separable_conv2d", first, second, flip=True, padding=1,
                    depthwise_activation="relu")  # fmt: skip
    assert repr(layer) == (
        "prepare(depthwise_separable_conv2d, weights of shapes (3, 1, 3, 3) float32 and "
        "(4, 3, 1, 1) float32, depthwise_bias=None, bias=None, stride=1, padding=1, dilation=1, "
        "depthwise_activation='relu', flip=True)"
    )
    assert_same_bits(layer.depthwise_weight, first)
    assert_same_bits(layer.pointwise_weight, second[..., None, None])
    assert (layer.bias, layer.depthwise_bias) == (None, None)
    assert layer.depthwise_activation == "relu"
    with pytest.raises(AttributeError, match="has no weight, but depthwise_weight and p"):
        _ = layer.weight
    with pytest.raises(AttributeError, match="conv2d has no depthwise_weight"):
        _ = prepare(conv2d, numbers((4, 3, 3, 3))).depthwise_weight
    first[:] = 0  # no effect
    assert layer(numbers((3, 5, 7))).any()
