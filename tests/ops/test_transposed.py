# SPDX-License-Identifier: BSD-3-Clause
"""Transposed convolutions: the adjoint identity, the matrix, PyTorch, plans and corners."""

import itertools
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from adjoint import ALGORITHMS, TRANSPOSE, assert_right, run, specified, truth
from arrays import numbers
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from truth import assert_same_bits
from ways import CONV, ISAS, WORDS
from ways import NAMES as CONVOLUTIONS

import fastconv
from fastconv import conv_transpose1d, conv_transpose2d, plan, prepare
from fastconv._plan import composed, kept
from fastconv._spec.borders import MODES

pytestmark = pytest.mark.usefixtures("poisoned")

# ---- what it is --------------------------------------------------------------------------------


def small(shape, seed=0):
    return np.random.default_rng((seed, *shape)).integers(-9, 10, shape)


@st.composite
def convolutions(draw):
    """(input, weight, parameters that conv and conv_transpose share) of a convolution."""
    rank = draw(st.integers(1, 3))

    def per_axis(entries):
        return draw(st.lists(entries, min_size=rank, max_size=rank))

    groups = draw(st.sampled_from([1, 1, 2, 3]))
    sizes, kernel = per_axis(st.integers(1, (19, 7, 4)[rank - 1])), per_axis(st.integers(1, 4))
    pair = st.tuples(st.integers(-2, 5), st.integers(-2, 5))
    said = {
        "stride": per_axis(st.integers(1, 4)),
        "dilation": per_axis(st.integers(1, 4)),
        "padding": draw(st.sampled_from(WORDS) | st.lists(pair, min_size=rank, max_size=rank)),
        "padding_mode": per_axis(st.sampled_from(sorted(MODES))),
        "groups": groups,
        "flip": draw(st.booleans()),
    }
    x = small((draw(st.integers(1, 2)), groups * draw(st.integers(1, 3)), *sizes))
    w = small((groups * draw(st.integers(1, 3)), x.shape[1] // groups, *kernel), 1)
    return x, w, said


@settings(max_examples=300, deadline=None)
@given(convolutions())
def test_it_is_the_adjoint_of_the_convolution(problem):
    """<conv(x), y> is <x, conv_transpose(y)>, exactly for integers, for every border."""
    x, w, said = problem
    try:
        convolved = CONV[w.ndim - 2](x, w, **said)
    except ValueError:  # no output cell
        assume(False)
    y = small(convolved.shape, 2)
    back = TRANSPOSE[w.ndim - 2](y, w, output_size=x.shape[2:], **said)
    assert back.shape == x.shape
    assert np.vdot(convolved, y) == np.vdot(x, back)


@pytest.mark.parametrize(
    "said",
    [
        {"stride": 2, "padding": 1},
        {"stride": (3, 2), "padding": ((2, 0), (-1, 3)), "dilation": (2, 3)},
        {"padding": 3, "padding_mode": ("wrap", "symmetric"), "stride": (1, 2)},
    ],
    ids=str,
)
def test_its_matrix_is_that_of_the_convolution_transposed(said):
    shape, w = (2, 7, 11), small((3, 2, 3, 4))
    units = np.eye(2 * 7 * 11, dtype=int).reshape(-1, *shape)
    columns = fastconv.conv2d(units, w, **said)
    matrix = columns.reshape(len(units), -1)  # a row for each element of the input
    y = small(columns.shape[1:], 1)
    got = conv_transpose2d(y, w, output_size=shape, **said)
    np.testing.assert_array_equal(got.ravel(), matrix @ y.ravel())


TORCH = [
    ((2, 6, 11), (6, 5, 4), {"stride": 2, "padding": 1}),
    ((2, 6, 7), (6, 1, 13), {"stride": 5, "padding": 3, "output_padding": 4}),
    ((6, 7, 5), (6, 2, 3, 2), {"stride": 2, "padding": (1, 0), "groups": 3, "output_padding": 1}),
    ((1, 4, 3, 5), (4, 7, 2, 3), {"stride": (3, 1), "dilation": (2, 4), "output_padding": (2, 3)}),
    ((1, 2, 3, 4, 5), (2, 3, 3, 2, 4), {"stride": (1, 2, 3), "padding": (1, 0, 2)}),
]


@pytest.mark.peers
@pytest.mark.parametrize(("shape", "kernel", "said"), TORCH, ids=str)
@pytest.mark.parametrize("biased", [False, True])
def test_it_is_that_of_pytorch(shape, kernel, said, biased):
    import torch

    x, w = numbers(shape, "f8"), numbers(kernel, "f8", seed=1)
    bias = numbers((kernel[1] * said.get("groups", 1),), "f8", seed=2) if biased else None
    rank = w.ndim - 2
    theirs = getattr(torch.nn.functional, f"conv_transpose{rank}d")
    tensors = (None if a is None else torch.from_numpy(a) for a in (x, w, bias))
    got = TRANSPOSE[rank](x, w, bias, **said)
    np.testing.assert_allclose(got, theirs(*tensors, **said).numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.peers
def test_output_size_is_that_of_the_layer_of_pytorch():
    import torch

    layer = torch.nn.ConvTranspose2d(3, 5, 3, stride=2, padding=1, dtype=torch.float64)
    x, weight = numbers((2, 3, 7, 5), "f8"), layer.weight.detach().numpy()
    ours = prepare(conv_transpose2d, weight, layer.bias.detach().numpy(), 2, 1)
    for size in ((13, 9), (14, 9), (14, 10), (2, 5, 13, 10)):
        expected = layer(torch.from_numpy(x), output_size=size).detach().numpy()
        got = prepare(conv_transpose2d, weight, ours.bias, 2, 1, output_size=size)(x)
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_a_layer_takes_the_shape_of_a_result_with_and_without_a_batch():
    x, w = numbers((3, 7, 5), "f8"), numbers((3, 5, 3, 2), "f8", 1)
    for last in (False, True):
        for batch in ((), (2,)):
            size = (*batch, 14, 8, 5) if last else (*batch, 5, 14, 8)
            one = np.moveaxis(x, 0, -1) if last else x
            y = np.broadcast_to(one, (*batch, *one.shape))
            said = {"stride": 2, "padding": 1, "output_size": size, "channels_last": last}
            assert_same_bits(
                prepare(conv_transpose2d, w, **said)(y), conv_transpose2d(y, w, **said)
            )


# ---- sizes and layouts -------------------------------------------------------------------------


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("algorithm", ["auto", *ALGORITHMS])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    ("shape", "kernel", "said"),
    [
        ((1, 41, 13, 11), (41, 19, 4, 4), {"stride": 2, "padding": 1}),
        ((2, 17, 7, 5), (17, 7, 3, 3), {"stride": 2, "output_padding": 1}),
        ((1, 13, 5, 7), (13, 37, 2, 2), {"stride": 2}),
        ((1, 5, 3, 4), (5, 3, 2, 2), {"stride": (5, 3), "dilation": (3, 1)}),  # phases without taps
        ((3, 1, 31, 37), (1, 1, 5, 3), {"padding": (1, 2)}),
        ((1, 1, 5, 7), (1, 1, 1, 1), {}),
        ((1, 6, 13, 11), (6, 1, 4, 4), {"stride": 2, "groups": 6}),
    ],
    ids=str,
)
def test_any_way(isa, algorithm, last, shape, kernel, said):
    x, w, bias = (
        numbers(shape),
        numbers(kernel, seed=1),
        numbers(
            (kernel[1] * (kernel[1] == 1) * shape[1] if said.get("groups") else kernel[1],), seed=2
        ),
    )
    if last:
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    said = said | {"channels_last": last, "activation": "relu"}
    how = {"isa": isa, "algorithm": algorithm}
    got = run(x, w, bias, **said, **how)
    assert_right(got, x, w, bias, **said)
    assert_same_bits(run(x, w, bias, **said, **how, prepared=True), got)
    assert_same_bits(run(x, w, bias, **said, isa=isa, threads=3), got)


@pytest.fixture
def in_pairs(monkeypatch):
    """Two outputs of a row are the parts of a complex number wherever they can be."""

    def only(call):
        return [way for way in ways(call) if way[1].pairs] or ways(call)

    ways = composed.ways
    kept.forget()
    monkeypatch.setattr(composed, "ways", only)
    yield
    kept.forget()


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("algorithm", ["auto", *ALGORITHMS])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    ("shape", "kernel", "said"),
    [
        ((2, 13, 5, 19), (13, 37, 2, 2), {"stride": 2}),
        ((3, 17, 23), (17, 7, 8), {"stride": 4, "padding": 2}),
        ((1, 5, 3, 4, 7), (5, 3, 3, 2, 6), {"stride": (2, 1, 2), "padding": ((-1, 1), 0, (4, 2))}),
        (
            (1, 1, 5, 31),
            (1, 1, 1, 4),
            {"stride": 2, "output_padding": (0, 1), "padding": (0, (0, 1))},
        ),
        ((1, 6, 13, 11), (6, 1, 4, 4), {"stride": 2, "groups": 6}),
        ((1, 6, 13, 11), (6, 3, 2, 10), {"stride": (3, 4), "groups": 2, "alpha": 0.5, "beta": 2}),
        ((1, 6, 13), (6, 3, 2), {"stride": 8}),  # phases without taps
    ],
    ids=str,
)
def test_pairs_of_outputs(in_pairs, isa, algorithm, dtype, shape, kernel, said):
    x, w = numbers(shape, dtype), numbers(kernel, dtype, 1)
    bias = numbers((kernel[1] * said.get("groups", 1),), dtype, 2)
    spec = specified(x, w, bias, **said)
    residual, before = numbers(spec.output_shape, dtype, 3), numbers(spec.output_shape, dtype, 4)
    how = plan(spec.name, x, w, bias, out=before, **said)
    assert " pairs, " in how.steps[0]
    said = said | {"residual": residual}
    how = {"isa": isa, "algorithm": algorithm, **said}
    got = run(x, w, bias, out=before.copy(), **how)
    assert_right(got, x, w, bias, out=before, **said)
    assert_same_bits(run(x, w, bias, out=before.copy(), prepared=True, **how), got)
    assert_same_bits(run(x, w, bias, out=before.copy(), threads=3, **how), got)
    apart = np.stack((before, before), -1)[..., 0]  # no pairs
    assert_same_bits(run(x, w, bias, out=apart, **how), got)


def test_no_pairs_where_channels_are_the_last_axis():
    for x, w, stride in (((1, 100, 16), (16, 1, 2), 2), ((1, 32, 32, 64), (64, 1, 2, 2), 4)):
        x, w = numbers(x), numbers(w, seed=1)
        said = {"stride": stride, "channels_last": True}
        assert_right(run(x, w, **said), x, w, **said)
        assert_same_bits(run(x, w, prepared=True, **said), run(x, w, **said))
    x, w = numbers((1, 100, 16)), numbers((16, 8, 2), seed=1)
    out = np.moveaxis(np.empty((1, 8, 200), np.float32), 1, -1)
    said = {"stride": 2, "channels_last": True}
    assert_same_bits(run(x, w, out=out, **said), run(x, w, **said))


@pytest.mark.parametrize(("stride", "kernel"), [(16, 64), (16, 41), (11, 3), (7, 7), (256, 1024)])
@pytest.mark.parametrize("padding", [0, (5, 3), (-3, 20)])
@pytest.mark.parametrize("dtype", ["f4", "c8", "i2"])
def test_a_signal_from_many_channels(stride, kernel, padding, dtype):
    """One output channel: the phases of a row are channels of one convolution."""
    x, w = numbers((2, 67, 9), dtype), numbers((67, 1, kernel), dtype, seed=1)
    said = {"stride": stride, "padding": (padding,) if padding else 0}
    bias, residual = numbers((1,), dtype, seed=2), None
    expected = run(x, w, bias, **said)
    residual = numbers(expected.shape, dtype, seed=3)
    got = run(x, w, bias, residual=residual, **said)
    assert_right(got, x, w, bias, residual, **said)
    assert_same_bits(run(x, w, bias, residual=residual, prepared=True, **said), got)
    steps = plan(conv_transpose1d, x, w, bias, **said).steps
    assert 1 <= len(steps) <= 6, steps


@pytest.mark.parametrize("last", [False, True])
def test_a_stride_far_beyond_the_kernel(last):
    """Most outputs are the bias: they take few steps, and no multiply-adds."""
    x, w, bias = numbers((1, 3, 5, 2)), numbers((3, 2, 3, 4), seed=1), numbers((2,), seed=2)
    x = np.moveaxis(x, 1, -1) if last else x
    said = {"stride": (7000, 11), "channels_last": last, "dilation": (2, 1)}
    got = conv_transpose2d(x, w, bias, **said)
    assert_right(got, x, w, bias, **said)
    assert len(plan("conv_transpose2d", x, w, bias, **said).steps) < 60


def test_a_batch_of_zero_and_no_channels():
    w = numbers((6, 5, 3, 2))
    for said in ({"stride": 2}, {"padding": 1, "padding_mode": "edge"}):
        assert conv_transpose2d(np.ones((0, 6, 7, 5)), w, **said).shape[0] == 0
        assert prepare(conv_transpose2d, w, **said)(np.ones((0, 6, 7, 5))).shape[0] == 0
        got = conv_transpose2d(np.ones((2, 0, 7, 5)), w[:0], [1, 2, 3, 4, 5], **said)
        assert (got == np.arange(1, 6).reshape(-1, 1, 1)).all()


@pytest.mark.parametrize("mode", ["constant", "wrap"])
def test_out_overlaps_what_is_read(mode):
    said = {"stride": 2, "padding": 1, "padding_mode": mode}
    memory = numbers((4000,))
    x, w, bias = memory[:210].reshape(1, 6, 35), memory[100:220].reshape(6, 5, 4), memory[7:12]
    shape = conv_transpose1d(x, w, **said).shape
    size = int(np.prod(shape))
    residual = memory[150 : 150 + size].reshape(shape)
    expected = conv_transpose1d(*(a.copy() for a in (x, w, bias)), **said, residual=residual.copy())
    out = memory[50 : 50 + size].reshape(shape)
    assert conv_transpose1d(x, w, bias, **said, residual=residual, out=out) is out
    assert_same_bits(out, expected)


@pytest.mark.parametrize("mode", ["constant", "wrap"])
@pytest.mark.parametrize("dtype", ["f4", "u1", "i8", "c8"])
def test_the_residual_may_be_the_output(mode, dtype):
    said = {"stride": 3, "padding": 1, "padding_mode": mode, "beta": 2}
    x, w = numbers((2, 6, 11), dtype), numbers((6, 5, 4), dtype, seed=1)
    before = numbers(conv_transpose1d(x, w, **{**said, "beta": 0}).shape, dtype, seed=3)
    before = before.astype(conv_transpose1d(x[:1, :, :1], w).dtype)
    out = before.copy()
    got = conv_transpose1d(x, w, residual=out, out=out, **said)
    assert_right(got, x, w, None, before, before, **said)


def test_the_words_for_same_give_n_times_stride():
    for word, stride, k, dilation in itertools.product(WORDS[2:], (1, 2, 3), (1, 2, 5), (1, 2)):
        said = {"stride": stride, "padding": word, "dilation": dilation}
        x, w = small((1, 2, 7)), small((2, 3, k), 1)
        got = conv_transpose1d(x, w, **said)
        assert got.shape == (1, 3, 7 * stride)
        np.testing.assert_array_equal(got, truth(x, w, **said)[0])
        assert fastconv.conv1d(got, w, **said).shape == x.shape


def test_weights_of_groups_are_copied_only_where_they_must_be():
    copied = "weight: whole, because a group has several channels"
    for shape, groups, copies in (
        ((6, 5, 3), 1, False), ((6, 5, 3), 2, True), ((6, 1, 3), 2, False), ((6, 5, 3), 6, False),
    ):  # fmt: skip
        w = numbers(shape)
        x = numbers((1, 6, 7))
        how = plan(conv_transpose1d, x, w, groups=groups, stride=2)
        assert (copied in how.copies) == copies, shape
        got = conv_transpose1d(x, w[:, ::-1], groups=groups, stride=2)
        assert_right(got, x, w[:, ::-1], groups=groups, stride=2)


# ---- plans and layers --------------------------------------------------------------------------


def test_a_plan_tells_its_steps():
    shapes = (1, 128, 28, 28), (128, 64, 4, 4)
    how = plan("conv_transpose2d", *shapes, stride=2, padding=1, threads=1)
    assert how.algorithm == "phases"
    assert how.flops == 2 * 28 * 28 * 128 * 64 * 16
    assert len(how.steps) == 1
    assert how.steps[0].startswith("4 x weight 64x128x2x2 -> 1x64x28x28, ")
    assert "step: 4 x weight" in str(how)
    assert pickle.loads(pickle.dumps(how)) == how
    for name in ("direct", "im2col_gemm"):
        named = plan("conv_transpose2d", *shapes, stride=2, padding=1, algorithm=name)
        assert f", {name}, " in named.steps[0]
        with fastconv.settings(algorithm=name):
            again = plan("conv_transpose2d", *shapes, stride=2, padding=1)
        assert again == named
    slow = plan("conv_transpose2d", *shapes, algorithm="reference")
    assert (slow.algorithm, slow.isa, slow.steps) == ("reference", "numpy", ())


def test_an_algorithm_of_another_operation():
    """By name it is refused; a setting leaves the choice."""
    with pytest.raises(ValueError, match=r"^conv1d: algorithm is 'phases', but it must be one of "):
        fastconv.conv1d([[1]], [[[1]]], algorithm="phases")
    with fastconv.settings(algorithm="phases"):
        assert plan("conv1d", (1, 1, 9), (1, 1, 3)).algorithm in CONVOLUTIONS
        assert plan("conv_transpose1d", (1, 1, 9), (1, 1, 3)).algorithm == "phases"


def test_a_layer_tells_its_operation():
    w = numbers((6, 5, 3, 2))
    layer = prepare("conv_transpose2d", w, stride=2, output_size=(9, 8))
    assert repr(layer) == (
        "prepare(conv_transpose2d, weight of shape (6, 5, 3, 2) float32, bias=None, stride=2, "
        "padding=0, output_padding=0, groups=1, dilation=1, output_size=(9, 8))"
    )
    again = pickle.loads(pickle.dumps(layer))
    assert repr(again) == repr(layer)
    x = numbers((6, 4, 4))
    assert_same_bits(again(x), layer(x))
    assert (layer.output_size, layer.output_padding) == ((9, 8), 0)
    with pytest.raises(AttributeError, match="conv2d has no output_size"):
        _ = prepare(w).output_size
    with pytest.raises(AttributeError, match="conv_transpose2d has no padding_value"):
        _ = layer.padding_value


def test_the_size_and_the_dtype_of_an_input_of_a_layer_may_change():
    w = numbers((6, 5, 3))
    w[2, 1, 1], w[0, 3, 0] = np.nan, np.inf
    for said in ({"stride": 2}, {"padding": 1, "padding_mode": "wrap", "stride": 3}):
        layer = prepare(conv_transpose1d, w, [1, 2, 3, 4, 5], **said)
        for n, dtype in ((7, "f4"), (11, "f8"), (7, "f8"), (1, "f2"), (7, "f4")):
            x = numbers((2, 6, n), dtype)
            expected = conv_transpose1d(x, w, [1, 2, 3, 4, 5], **said)
            assert_same_bits(layer(x), expected)


@pytest.mark.parametrize("mode", ["constant", "edge"])
def test_threads_share_one_layer(mode):
    """Many start with nothing packed, with inputs of other sizes."""
    w, inputs = numbers((6, 19, 4), seed=1), [numbers((2, 6, 3 + 5 * i)) for i in range(6)]
    said = {"stride": 3, "padding": 1, "padding_mode": mode}
    expected = [conv_transpose1d(x, w, **said) for x in inputs]
    for _ in range(3):
        layer = prepare(conv_transpose1d, w, **said)
        with ThreadPoolExecutor(6) as pool:
            for got, right in zip(pool.map(layer, inputs * 3), expected * 3, strict=True):
                assert_same_bits(got, right)
