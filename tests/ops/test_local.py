# SPDX-License-Identifier: BSD-3-Clause
"""Locally connected layers: what they are, sizes and layouts, plans, layers and errors."""

import pickle
import re

import numpy as np
import pytest
from arrays import numbers
from truth import assert_same_bits
from unshared import LOCAL, assert_right, run, specified
from ways import CONV, ISAS, WORDS

import fastconv
from fastconv import local_conv1d, local_conv2d, plan, prepare, settings
from fastconv._core import scratch

pytestmark = pytest.mark.usefixtures("poisoned")


def outputs(shape, kernel, **said):
    """The sizes of the output of a convolution."""
    return plan(CONV[len(kernel) - 2], shape, kernel, **said).output_shape[2:]


def layer_of(shape, kernel, dtype="f4", **said):
    """An input and weights for each output."""
    return numbers(shape, dtype), numbers((*outputs(shape, kernel, **said), *kernel), dtype, seed=1)


# ---- what it is --------------------------------------------------------------------------------


def test_it_is_the_sum_that_the_docstring_says():
    x, w = np.arange(2 * 5 * 7).reshape(1, 2, 5, 7), np.arange(3 * 4 * 3 * 2 * 2 * 3)
    w = w.reshape(3, 4, 3, 2, 2, 3)
    got = local_conv2d(x, w, stride=2, padding=(1, 1))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for o, i, j in np.ndindex(3, 3, 4):
        window = padded[0, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 3]
        assert got[0, o, i, j] == np.sum(window * w[i, j, o])


@pytest.mark.parametrize("rank", CONV)
@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "i8", "u1"])
def test_the_same_weights_everywhere(rank, dtype):
    said = {"stride": 2, "padding": 1, "groups": 2, "activation": None if dtype == "c8" else "relu"}
    shape, kernel = (3, 10, *(11, 7, 5)[:rank]), (6, 5, *(3, 4, 2)[:rank])
    x, shared, bias = numbers(shape, dtype), numbers(kernel, dtype, 1), numbers((6,), dtype, 2)
    expected = CONV[rank](x, shared, bias, **said)
    w = np.broadcast_to(shared, (*expected.shape[2:], *kernel))
    np.testing.assert_allclose(LOCAL[rank](x, w, bias, **said), expected, rtol=1e-4, atol=1e-4)


def test_a_bias_for_each_output():
    x, w = layer_of((2, 3, 7, 5), (4, 3, 3, 2))
    bias = numbers((4, 5, 4), "f4", 2)
    got = local_conv2d(x, w, bias, alpha=2)
    np.testing.assert_allclose(got, local_conv2d(x, w, alpha=2) + bias, rtol=1e-6, atol=1e-6)
    last = local_conv2d(np.moveaxis(x, 1, -1), w, bias, alpha=2, channels_last=True)
    assert_same_bits(np.moveaxis(last, -1, 1), got)
    assert_same_bits(prepare(local_conv2d, w, bias, alpha=2)(x), got)


# ---- sizes and layouts -------------------------------------------------------------------------


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(
    ("shape", "kernel", "said"),
    [
        ((1, 41, 7, 5), (19, 41, 3, 3), {"padding": 1}),  # lanes and their rest
        ((67, 3, 5, 4), (5, 3, 2, 2), {}),  # windows at a time
        ((1, 233, 5), (3, 233, 3), {"padding": 1}),
        ((2, 701, 4), (2, 701, 3), {"padding": 1}),  # two blocks of k
        ((2, 1, 2503), (1, 1, 2501), {}),
        ((1, 1, 53, 61), (1, 1, 47, 59), {"padding": (1, 0)}),  # blocks begin within a row
        ((1, 1, 13, 17, 19), (2, 1, 13, 15, 13), {"padding": (0, 1, 0)}),
        ((1, 3, 5, 3), (1031, 3, 2, 2), {}),  # more rows than a task has
        ((1, 34, 5, 3), (34, 1, 3, 3), {"padding": 1, "groups": 34}),
        ((3, 1, 1, 1), (1, 1, 1, 1), {}),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "u1", "i2", "i8", "c8"])
def test_any_way(isa, shape, kernel, said, dtype):
    x, w = layer_of(shape, kernel, dtype, **said)
    got = run(x, w, isa=isa, threads=1, **said)
    assert_right(got, x, w, **said)
    assert_same_parts(run(x, w, isa=isa, threads=3, **said), got)
    assert_same_parts(run(x, w, isa=isa, prepared=True, **said), got)
    assert_same_parts(run(x[-1:], w, isa=isa, **said), got[-1:])
    far = np.empty((*w.shape, 2), w.dtype)[..., 1]
    far[...] = w
    assert_same_parts(run(x, far, isa=isa, **said), got)


def assert_same_parts(got, expected):
    """The same bits, of complex numbers, too."""
    for part in ("real", "imag") if expected.dtype.kind == "c" else ("real",):
        assert_same_bits(getattr(got, part).copy(), getattr(expected, part).copy())


@pytest.mark.parametrize("word", [*WORDS, 2, ((1, 0), (-1, 3))])
def test_padding(word):
    for stride in (1, 2, (3, 1)):
        said = {"padding": word, "stride": stride, "dilation": (1, 2)}
        x, w = layer_of((2, 3, 7, 11), (2, 3, 2, 3), **said)
        got = local_conv2d(x, w, **said)
        assert_right(got, x, w, **said)
        assert_same_bits(prepare(local_conv2d, w, **said)(x), got)


def test_weights_that_are_inf_or_nan_meet_no_padding():
    x, w = layer_of((2, 3, 4, 5), (5, 3, 3, 3), padding=2)
    at_corner = w[0, 0]  # its last tap alone meets the input
    at_corner[:, :, :2] = np.nan
    at_corner[:, :, 2, :2] = np.inf
    assert np.isfinite(local_conv2d(x, w, padding=2)).all()
    at_corner[3, 1, 2, 2] = np.nan
    assert (
        np.argwhere(~np.isfinite(local_conv2d(x, w, padding=2)))[:, 1:].tolist() == [[3, 0, 0]] * 2
    )
    for border in ({"padding_mode": "edge"}, {"padding_value": 1}):  # these are read
        assert not np.isfinite(local_conv2d(x, w, padding=2, **border)[:, :, 0, 0]).any()


def test_an_input_without_elements():
    w = numbers((3, 4, 5, 2, 3, 3))
    assert local_conv2d(np.ones((0, 2, 5, 6)), w).shape == (0, 5, 3, 4)
    assert prepare(local_conv2d, w)(np.ones((0, 2, 5, 6))).shape == (0, 5, 3, 4)
    none = numbers((3, 4, 5, 0, 3, 3))
    got = local_conv2d(np.ones((2, 0, 5, 6)), none, [1, 2, 3, 4, 5])
    assert (got == np.arange(1, 6).reshape(-1, 1, 1)).all()
    beside = numbers((3, 2, 1, 2), "f4")
    assert (local_conv1d(np.ones((1, 1, 0)), beside, padding=2) == 0).all()
    assert (prepare(local_conv1d, beside, padding=2)(np.ones((1, 1, 0))) == 0).all()


def test_out_overlaps_what_is_read():
    memory = numbers((4000,))
    x, w, bias = memory[:105].reshape(1, 3, 35), memory[100:1360].reshape(35, 4, 3, 3), memory[7:11]
    said = {"padding": 1, "beta": 2}
    size = 4 * 35
    residual = memory[150 : 150 + size].reshape(1, 4, 35)
    out = memory[50 : 50 + size].reshape(1, 4, 35)
    copies = [a.copy() for a in (x, w, bias)]
    expected = local_conv1d(*copies, residual=residual.copy(), out=out.copy(), **said)
    assert local_conv1d(x, w, bias, residual=residual, out=out, **said) is out
    assert_same_bits(out, expected)


def cut(shape, axis):
    """An array that is part of one which is longer on an axis: there its rows lie apart."""
    larger = [n + (number == axis) for number, n in enumerate(shape)]
    return numbers(larger, "f4", 3)[tuple(map(slice, shape))]


@pytest.mark.parametrize("last", [False, True])
def test_rows_that_follow_one_another_in_some_of_the_arrays(last):
    x, w = layer_of((2, 3, 3, 5, 4), (2, 3, 2, 2, 1))
    x = np.moveaxis(x, 1, -1) if last else x
    plain = run(x, w, channels_last=last)
    for one in range(plain.ndim):
        for other in range(plain.ndim):
            residual, out = cut(plain.shape, one), cut(plain.shape, other)
            run(x, w, residual=residual, out=out, channels_last=last)
            np.testing.assert_array_equal(out, plain + residual)


# ---- plans and layers --------------------------------------------------------------------------


def test_a_plan():
    how = plan("local_conv2d", (1, 64, 28, 28), (28, 28, 64, 64, 3, 3), padding=1, threads=2)
    assert (how.algorithm, how.threads, how.orientation) == ("local", 2, "none")
    assert how.flops == 2 * 28 * 28 * 64 * 64 * 9
    assert how.copies == ("input: some windows at a time",)
    assert how.tasks >= 8
    assert str(how).startswith("local_conv2d float32  1x64x28x28 * 28x28x64x64x3x3 -> 1x64x28x28\n")
    assert pickle.loads(pickle.dumps(how)) == how
    turned = plan(local_conv2d, *layer_of((1, 3, 5, 5), (2, 3, 2, 2)), flip=True)
    assert "weight: 8 output channels of a position at a time" in turned.copies
    slow = plan("local_conv1d", (1, 1, 4), (3, 1, 1, 2), algorithm="reference")
    assert (slow.algorithm, slow.isa) == ("reference", "numpy")


@pytest.mark.parametrize("shape", [(997, 3, 5, 4), (1, 3, 401, 5), (1, 90001, 2, 2)])
def test_scratch_does_not_grow_with_the_work(shape):
    kernel = (211, shape[1], 2, 2)
    weight = (*outputs(shape, kernel), *kernel)
    for dtype in ("f4", "f8"):
        how = plan(local_conv2d, np.empty(shape, dtype), weight, threads=1)
        assert how.scratch_bytes < 1 << 20, (shape, dtype)


def test_memory_is_what_the_plan_says():
    x, w = layer_of((3, 7, 9, 11), (13, 7, 3, 3))
    scratch.drop()
    how = plan(local_conv2d, x, w, threads=1)
    local_conv2d(x, w, threads=1)
    assert scratch.kept() == how.scratch_bytes > 0


def test_a_layer():
    x, w = layer_of((2, 6, 7, 5), (4, 3, 3, 2), groups=2, stride=2)
    layer = prepare("local_conv2d", w, [1, 2, 3, 4], 2, groups=2, flip=True)
    assert repr(layer) == (
        "prepare(local_conv2d, weight of shape (3, 2, 4, 3, 3, 2) float32, bias=given, "
        "stride=2, padding=0, dilation=1, groups=2, flip=True)"
    )
    expected = local_conv2d(x, w, [1, 2, 3, 4], 2, groups=2, flip=True)
    assert_same_bits(layer(x), expected)
    assert_same_bits(pickle.loads(pickle.dumps(layer))(x), expected)
    assert_same_bits(layer.weight, w)
    for dtype in ("f8", "f2", "i2"):  # the dtype may change, the size may not
        other = x.astype(dtype)
        assert_same_bits(layer(other), local_conv2d(other, w, [1, 2, 3, 4], 2, groups=2, flip=True))
    with pytest.raises(ValueError, match=r"begins with \(3, 2\), but it must begin with \(4, 2\)"):
        layer(numbers((2, 6, 9, 5)))


def test_a_layer_with_any_padding():
    """It is checked with an input that has as many outputs as the weights have positions."""
    for word in (*WORDS, 3, ((5, 2),), ((-1, 2),)):
        for n in range(1, 9):
            for stride in (1, 2, 3):
                for mode in ("constant", "edge"):
                    said = {"padding": word, "stride": stride, "padding_mode": mode}
                    try:
                        x, w = layer_of((1, 2, n), (3, 2, 3), **said)
                    except ValueError:  # no output
                        continue
                    assert_same_bits(prepare(local_conv1d, w, **said)(x), run(x, w, **said))


# ---- errors ------------------------------------------------------------------------------------

X, W = np.ones((1, 4, 6, 5)), np.ones((4, 4, 2, 4, 3, 2))


@pytest.mark.parametrize(
    ("arguments", "said", "message"),
    [
        ((X, W[:3]), {}, "local_conv2d: weight has shape (3, 4, 2, 4, 3, 2), which begins with "
         "(3, 4), but it must begin with (4, 4), the sizes of the output"),
        ((X, W), {"padding": 1}, "local_conv2d: weight has shape (4, 4, 2, 4, 3, 2), which begins "
         "with (4, 4), but it must begin with (6, 6), the sizes of the output"),
        ((X, W[0]), {}, "local_conv2d: weight has shape (4, 2, 4, 3, 2), but it must be "
         "(outH, outW, O, C/groups, kH, kW), where out are the sizes of the output"),
        ((X, W[0, 0]), {}, "local_conv2d: weight has shape (2, 4, 3, 2), but it must be "
         "(outH, outW, O, C/groups, kH, kW), where out are the sizes of the output; one weight "
         "for all positions is for conv2d"),
        ((X[0, 0], W), {}, "local_conv2d: input has shape (6, 5), but it must be (N, C, H, W) or "),
        ((X[:, :3], W), {}, "local_conv2d: input has 3 channels, but weight needs 4"),
        ((X, W[:, :, :1, :1]), {"groups": 4}, "local_conv2d: weight has 1 output channel, but it "
         "must have a positive multiple of groups=4; for the same kernel on each channel, pass "
         "np.repeat(weight, 4, axis=2)"),
        ((X, W, np.ones(3)), {}, "local_conv2d: bias has shape (3,), but it must be (2,), one "
         "value per output channel, or (2, 4, 4), one per output"),
        ((X, W, np.ones((2, 4, 3))), {}, "local_conv2d: bias has shape (2, 4, 3), but it must be "),
        ((X, W), {"algorithm": "direct"}, "local_conv2d: algorithm is 'direct', but it must be one "
         "of 'auto', 'local', 'reference'"),
        ((X, W), {"stride": 0}, "local_conv2d: stride is 0, but it must be "),
        ((X[:, :, :2], W), {}, "local_conv2d: input has size 2 on axis H, but a kernel of size 3 "
         "needs 3"),
    ],
)  # fmt: skip
def test_errors(arguments, said, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        local_conv2d(*arguments, **said)


def test_errors_of_prepare():
    for weight, said, message in (
        (W[0], {}, "prepare: weight has shape (4, 2, 4, 3, 2), but it must be (outH, outW, O, "),
        (W, {"bias": np.ones((2, 4, 5))}, "prepare: bias has shape (2, 4, 5), but it must be "),
        (W[:0], {}, "prepare: weight has shape (0, 4, 2, 4, 3, 2), which begins with (0, 4), "),
        (
            W[:0].astype("f4"),
            {"activation": "gelu"},
            "prepare: weight has shape (0, 4, 2, 4, 3, 2), ",
        ),
        (W, {"groups": 3}, "prepare: weight has 2 output channels, but it must have a positive "),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
            prepare(local_conv2d, weight, **said)
    with pytest.raises(ValueError, match="conv1d: algorithm is 'local', but it must be one of "):
        fastconv.conv1d([[1]], [[[1]]], algorithm="local")
    with settings(algorithm="local"):
        assert plan("conv1d", (1, 1, 9), (1, 1, 3)).algorithm != "local"
    assert specified(X, W).output_shape == (1, 2, 4, 4)
