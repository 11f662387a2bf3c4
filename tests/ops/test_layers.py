# SPDX-License-Identifier: BSD-3-Clause
"""depthwise_conv and pointwise_conv: convolutions in other words, with the same bits and plans."""

import pickle
import re

import numpy as np
import pytest
from arrays import numbers
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import assert_right, assert_same_bits
from ways import CONV, WORDS

import fastconv
from fastconv import depthwise_conv2d, plan, pointwise_conv2d, prepare
from fastconv._spec.borders import MODES

pytestmark = pytest.mark.usefixtures("poisoned")
DEPTHWISE = {rank: getattr(fastconv, f"depthwise_conv{rank}d") for rank in CONV}
POINTWISE = {rank: getattr(fastconv, f"pointwise_conv{rank}d") for rank in CONV}


def other_words(draw, result, said):
    """An epilogue, and layers last, for a call of these results."""
    if draw(st.booleans()):
        said["bias"] = numbers((result.shape[-1 if said.get("channels_last") else 1],), seed=3)
    if draw(st.booleans()):
        said["residual"] = numbers(result.shape, seed=4)
    if draw(st.booleans()):
        said["activation"] = draw(st.sampled_from(["relu", "silu", ("clip", -1, 2)]))
    if draw(st.booleans()):
        said |= {"alpha": 0.5, "dtype": "f8"}


@st.composite
def depthwise(draw):
    """(input, weight, keywords without groups)."""
    rank = draw(st.integers(1, 3))

    def per_axis(entries):
        return draw(st.lists(entries, min_size=rank, max_size=rank))

    channels, kernel = draw(st.integers(1, 19)), per_axis(st.integers(1, 3))
    w = numbers((channels * draw(st.integers(1, 3)), 1, *kernel), seed=1)
    said = {
        "stride": per_axis(st.integers(1, 3)),
        "dilation": per_axis(st.integers(1, 2)),
        "padding": draw(st.sampled_from([*WORDS, 1])),
        "padding_mode": per_axis(st.sampled_from(list(MODES))),
        "channels_last": draw(st.booleans()),
        "flip": draw(st.booleans()),
    }
    sizes = per_axis(st.integers(5, 11))
    x = numbers((2, *sizes, channels) if said["channels_last"] else (2, channels, *sizes))
    other_words(draw, CONV[rank](x, w, groups=channels, **said), said)
    return x, w, said


@settings(max_examples=100, deadline=None)
@given(depthwise())
def test_depthwise_is_a_convolution_of_groups(problem):
    x, w, said = problem
    rank = w.ndim - 2
    channels = x.shape[-1 if said["channels_last"] else 1]
    expected = CONV[rank](x, w, groups=channels, **said)
    assert_same_bits(DEPTHWISE[rank](x, w, **said), expected)
    assert_right(expected, x, w, groups=channels, **said)
    bias, residual = said.pop("bias", None), said.pop("residual", None)
    layer = prepare(DEPTHWISE[rank], w, bias, **said)
    assert_same_bits(layer(x, residual=residual), expected)
    assert_same_bits(pickle.loads(pickle.dumps(layer))(x, residual=residual), expected)


@st.composite
def pointwise(draw):
    """(input, weight of two axes, keywords)."""
    rank = draw(st.integers(1, 3))
    groups, c_in, c_out = (draw(st.integers(1, most)) for most in (3, 19, 17))
    w = numbers((groups * c_out, c_in), seed=1)[:, :: draw(st.sampled_from([1, -1]))]
    said = {
        "stride": draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank)),
        "groups": groups,
        "channels_last": draw(st.booleans()),
    }
    sizes = draw(st.lists(st.integers(1, 11), min_size=rank, max_size=rank))
    channels = groups * c_in
    x = numbers((2, *sizes, channels) if said["channels_last"] else (2, channels, *sizes))
    other_words(draw, CONV[rank](x, w[(..., *(None,) * rank)], **said), said)
    return x, w, said


@settings(max_examples=100, deadline=None)
@given(pointwise())
def test_pointwise_is_a_convolution_of_one_tap(problem):
    x, w, said = problem
    rank = x.ndim - 2
    whole = w[(..., *(None,) * rank)]
    expected = CONV[rank](x, whole, **said)
    assert_right(expected, x, whole, **said)
    assert_same_bits(POINTWISE[rank](x, w, **said), expected)
    assert_same_bits(POINTWISE[rank](x, whole, **said), expected)
    bias, residual = said.pop("bias", None), said.pop("residual", None)
    layer = prepare(POINTWISE[rank], w, bias, **said)
    assert layer.weight.shape == whole.shape
    assert_same_bits(layer(x, residual=residual), expected)
    assert_same_bits(pickle.loads(pickle.dumps(layer))(x, residual=residual), expected)


def test_a_layer_takes_every_number_of_channels_that_its_weights_have():
    w = numbers((12, 1, 3, 3), seed=1)
    layer = prepare(depthwise_conv2d, w, padding=1)
    for _ in range(2):
        for channels in (1, 2, 3, 4, 6, 12):
            x = numbers((2, channels, 7, 37))
            assert_same_bits(layer(x), fastconv.conv2d(x, w, padding=1, groups=channels))
    with pytest.raises(ValueError, match=r"^depthwise_conv2d: weight has 12 .* the 5 channels of"):
        layer(np.ones((5, 7, 37)))


def without_name(how):
    """A plan's text without the operation."""
    return str(how).partition("  ")[2]


def test_plans_are_those_of_the_convolution():
    x, w = (2, 6, 11, 13), (12, 1, 3, 3)
    expected = plan(fastconv.conv2d, x, w, groups=6, stride=2, threads=1)
    assert without_name(plan(depthwise_conv2d, x, w, stride=2, threads=1)) == without_name(expected)
    expected = without_name(plan("conv2d", x, (3, 2, 1, 1), groups=3, threads=1))
    for shape in ((3, 2), (3, 2, 1, 1)):
        how = plan("pointwise_conv2d", x, shape, groups=3, threads=1)
        assert without_name(how) == expected
    layer = prepare(pointwise_conv2d, numbers((3, 2)), groups=3)
    assert plan(layer, x).spec.weight_shape == (3, 2, 1, 1)
    layer = prepare(depthwise_conv2d, numbers((6, 1, 3, 3)))
    assert plan(layer, x).spec.groups == 6


def test_a_layer_tells_what_was_said():
    layer = prepare("depthwise_conv2d", numbers((6, 1, 3, 3)), stride=2, flip=True)
    assert repr(layer) == (
        "prepare(depthwise_conv2d, weight of shape (6, 1, 3, 3) float32, bias=None, stride=2, "
        "padding=0, dilation=1, flip=True)"
    )
    assert (layer.stride, layer.flip) == (2, True)
    with pytest.raises(AttributeError, match="depthwise_conv2d has no groups"):
        _ = layer.groups


X = np.ones((2, 3, 5, 7), np.float32)


@pytest.mark.parametrize(
    ("function", "x", "shape", "message"),
    [
        (depthwise_conv2d, X, (7, 1, 3, 3), "weight has 7 output channels, but it must be a "
         "positive multiple of the 3 channels of input"),
        (depthwise_conv2d, X, (7, 1, 3, 3), "weight has 7 output channels, but it must be a "
         "positive multiple of the 3 channels of input; if the channels are the last axis, pass "
         "channels_last=True"),
        (depthwise_conv2d, X, (0, 1, 3, 3), "weight has 0 output channels, but it must have"),
        (depthwise_conv2d, X, (3, 3, 3, 3), "weight has size 3 on its second axis, but it must be "
         "1, one input channel"),
        (depthwise_conv2d, X, (1, 3, 3, 3), "weight has size 3 on its second axis, but it must be "
         "1, one input channel for each output channel; if its first axes are (1, C), pass "
         "weight.swapaxes(0, 1)"),
        (depthwise_conv2d, X, (3, 3, 3), "weight has shape (3, 3, 3), but it must be "
         "(C * multiplier, 1, kH, kW); write weight[:, None]"),
        (depthwise_conv2d, X, (3, 3), "weight has shape (3, 3), but it must be "
         "(C * multiplier, 1, kH, kW); write weight[None, None]"),
        (depthwise_conv2d, X[0, 0], (3, 1, 3, 3), "input has shape (5, 7), but it must be "),
        (depthwise_conv2d, X[:, :0], (3, 1, 3, 3), "input has 0 channels, but it must have at "),
        (depthwise_conv2d, X, (3, 1, 6, 3), "input has size 5 on axis H, but a kernel of size 6 "),
        (pointwise_conv2d, X, (4, 3, 1, 2), "weight has shape (4, 3, 1, 2), but it must be "
         "(O, C/groups) or (O, C/groups, 1, 1)"),
        (pointwise_conv2d, X, (4, 3, 1), "weight has shape (4, 3, 1), but it must be "),
        (pointwise_conv2d, X, (4,), "weight has shape (4,), but it must be (O, C/groups) or "),
        (pointwise_conv2d, X, (4, 2), "input has 3 channels, but weight needs 2"),
        (pointwise_conv2d, X, (3, 4), "input has 3 channels, but weight needs 4; if the axes of "
         "weight are (C, O), pass weight.swapaxes(0, 1)"),
        (pointwise_conv2d, X, (1, 1, 3, 4), "weight has shape (1, 1, 3, 4), but it must be "
         "(O, C/groups) or (O, C/groups, 1, 1); if its axes are (1, 1, C, O), as in TensorFlow, "
         "pass weight[0, 0].T"),
        *((depthwise_conv2d, X, (3, 5, 3, m), "weight has size 5 on its second axis, but it must "
           "be 1, one input channel for each output channel; if its axes are (kH, kW, C, "
           "multiplier), as in TensorFlow, pass "
           f"weight.transpose(2, 3, 0, 1).reshape({3 * m}, 1, 3, 5)")
          for m in (1, 2)),
    ],
)  # fmt: skip
def test_errors(function, x, shape, message):
    for w in (np.ones(shape, np.float32), shape):
        act = function if w is not shape else lambda *operands: plan(function, *operands)
        with pytest.raises(ValueError, match=f"^{function.__name__}: {re.escape(message)}"):
            act(x, w)


@pytest.mark.parametrize(
    ("function", "shape", "message"),
    [
        (depthwise_conv2d, (3, 2, 3, 3), "weight has size 2 on its second axis, but it must be 1"),
        (depthwise_conv2d, (0, 1, 3, 3), "weight has 0 output channels, but it must have"),
        (depthwise_conv2d, (3, 3, 3), "weight has shape (3, 3, 3), but it must be "),
        (depthwise_conv2d, (3, 3), "weight has shape (3, 3), but it must be "),
        (pointwise_conv2d, (4, 3, 1, 2), "weight has shape (4, 3, 1, 2), but it must be "),
        (pointwise_conv2d, (4,), "weight has shape (4,), but it must be "),
    ],
)
def test_errors_of_layers(function, shape, message):
    with pytest.raises(ValueError, match=f"^prepare: {re.escape(message)}"):
        prepare(function, np.ones(shape, np.float32))


@pytest.mark.parametrize(
    ("function", "word"),
    [
        (depthwise_conv2d, "groups"),
        (pointwise_conv2d, "padding"),
        (pointwise_conv2d, "dilation"),
        (pointwise_conv2d, "flip"),
        (pointwise_conv2d, "padding_mode"),
    ],
)
def test_words_that_make_no_sense_are_refused(function, word):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{word}'"):
        function(X, np.ones((3, 1, 1, 1)), **{word: 1})


def test_weights_of_tensorflow():
    """What is told to pass computes what TensorFlow does."""
    x, w = np.arange(105.0).reshape(5, 7, 3), np.arange(24.0).reshape(2, 2, 3, 2)
    told = w.transpose(2, 3, 0, 1).reshape(6, 1, 2, 2)
    got = depthwise_conv2d(x, told, channels_last=True)
    # out[y, x, c * m + q] = sum over i, j of x[y + i, x + j, c] * w[i, j, c, q]
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2), (0, 1))
    expected = np.einsum("yxcij,ijcq->yxcq", windows, w).reshape(4, 6, 6)
    np.testing.assert_array_equal(got, expected)
    with pytest.raises(
        ValueError, match=r"prepare: .*\.transpose\(2, 3, 0, 1\)\.reshape\(6, 1, 2, 2\)$"
    ):
        prepare(depthwise_conv2d, w)
    dense = np.ones((1, 1, 3, 4))
    np.testing.assert_array_equal(
        pointwise_conv2d(x, dense[0, 0].T, channels_last=True), x @ dense[0, 0]
    )


def test_groups_are_named():
    """The fifth argument is the padding of other operations."""
    with pytest.raises(TypeError, match="takes from 2 to 4 positional arguments"):
        pointwise_conv2d(X, np.ones((4, 3)), None, 1, 1)
