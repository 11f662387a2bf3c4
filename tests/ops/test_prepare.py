# SPDX-License-Identifier: BSD-3-Clause
"""Prepared weights: one object for any input, any thread, another process and later days."""

import copy
import pickle
import re
import threading

import numpy as np
import pytest
from arrays import BF16, READABLE, numbers
from truth import assert_right, assert_same_bits
from ways import ALGORITHMS, CONV, ISAS, NAMES

import fastconv

pytestmark = pytest.mark.usefixtures("poisoned")


def refuses(kind, message):
    return pytest.raises(kind, match=f"^{re.escape(message)}$")


@pytest.fixture
def weight():
    return numbers((37, 5, 3, 2))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("algorithm", ["auto", *ALGORITHMS])
def test_any_input(weight, algorithm, isa):
    """One object for many sizes, batches, dtypes and both ways to lay out vectors."""
    said = {"stride": (1, 2), "padding": ((1, 0), (2, -1)), "dilation": (2, 1)}
    bias = numbers((37,))
    ours = fastconv.prepare(weight, bias, **said, algorithm=algorithm)
    for shape in [(5, 7, 11), (1, 5, 41, 53), (3, 5, 4, 3), (0, 5, 7, 11), (2, 5, 13, 101)]:
        for dtype in ("f4", "f8", ">f4"):
            x = numbers(shape).astype(dtype)
            with fastconv.settings(isa=isa):
                got = ours(x)
                expected = fastconv.conv2d(x, weight, bias, **said, algorithm=algorithm)
            assert_same_bits(got, expected)
            assert_right(got, x, weight, bias, **said)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_rank_is_that_of_the_weight(rank):
    x, w = numbers((2, 4, *(7, 11, 5)[:rank])), numbers((6, 2, *(3, 2, 5)[:rank]))
    expected = CONV[rank](x, w, padding="same", groups=2)
    assert_same_bits(fastconv.prepare(w, padding="same", groups=2)(x), expected)


def test_what_a_call_may_say(weight):
    x, ours = numbers((2, 5, 17, 13)), fastconv.prepare(weight, threads=2)
    expected = fastconv.conv2d(x, weight)
    out = np.empty_like(expected)
    assert ours(x, out=out) is out
    assert_same_bits(out, expected)
    assert_same_bits(ours(x, threads=3), expected)
    assert_same_bits(ours(x, out), expected)


def test_lists():
    got = fastconv.prepare([[[1.0, -1.0]]], [0.5])([[1.0, 2.0, 4.0]])
    np.testing.assert_array_equal(got, [[-0.5, -1.5]])


def test_later_changes_do_not_show(weight):
    x, bias, stride = numbers((5, 7, 11)), numbers((37,)), [1, 2]
    ours = fastconv.prepare(weight, bias, stride)
    expected = ours(x)
    weight[...], bias[...], stride[0] = 0, 0, 3
    assert_same_bits(ours(x), expected)


@pytest.mark.parametrize("used", [False, True])
def test_pickles(weight, used):
    x = numbers((5, 7, 11))
    ours = fastconv.prepare(weight, numbers((37,)), padding="same", algorithm="direct", threads=2)
    expected = ours(x) if used else None
    text = pickle.dumps(ours)
    assert len(text) < 2 * weight.nbytes, "only the raw weights"
    for other in (pickle.loads(text), copy.copy(ours), copy.deepcopy(ours)):
        assert repr(other) == repr(ours)
        assert_same_bits(other(x), ours(x) if expected is None else expected)


def test_threads_share_one_object(weight):
    """Many start with nothing packed, with different ways to pack."""
    inputs = [numbers((1, 5, 4 + i, 3 + 9 * i)) for i in range(8)]
    expected = [fastconv.conv2d(x, weight, padding=1) for x in inputs]
    for _ in range(5):
        ours = fastconv.prepare(weight, padding=1)
        start, got = threading.Barrier(8), [None] * 8

        def work(i, ours=ours, start=start, got=got):
            start.wait()
            for _ in range(5):
                got[i] = ours(inputs[i])

        threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one, other in zip(got, expected, strict=True):
            assert_same_bits(one, other)


def test_weights_that_are_not_finite():
    """With padding they need other schedules, whose weights may be packed in another way."""
    for c_out, size, depth in [(3, 29, 5), (17, 3, 31), (64, 7, 16), (37, 5, 71), (5, 2, 1)]:
        w = numbers((c_out, depth, 3, 3))
        w[c_out // 2, depth // 2, 0, 2] = np.nan
        w[-1, 0, 2, 1] = np.inf
        for algorithm in ("auto", *ALGORITHMS):
            said = {"padding": 2, "dilation": 2, "algorithm": algorithm}
            x = numbers((1, depth, size, size + 1))
            assert_same_bits(fastconv.prepare(w, **said)(x), fastconv.conv2d(x, w, **said))


def test_repr(weight):
    assert repr(fastconv.prepare(weight, stride=2, padding="same")) == (
        "prepare(weight of shape (37, 5, 3, 2) float32, bias=None, stride=2, padding='same', "
        "dilation=1, groups=1)"
    )
    assert "bias=given" in repr(fastconv.prepare(weight, np.zeros(37)))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"activation": ("clip", 0, 6)}, "activation=('clip', 0, 6)"),
        ({"channels_last": True, "flip": True}, "channels_last=True, flip=True"),
        (
            {"padding_mode": ["edge", "constant"], "padding_value": 2},
            "padding_mode=('edge', 'constant'), padding_value=2",
        ),
        ({"alpha": 0.5, "beta": 2}, "alpha=0.5, beta=2"),
        ({"dtype": np.uint8, "overflow": "saturate"}, "dtype='uint8', overflow='saturate'"),
        ({"dtype": np.dtype("f8")}, "dtype='float64'"),
        ({"algorithm": "direct"}, "algorithm='direct'"),
        ({"flip": True, "threads": 2}, "flip=True, threads=2"),
        ({"padding_mode": "constant", "alpha": 1, "dtype": None, "algorithm": "auto"}, None),
    ],
)
def test_repr_tells_what_is_not_the_default(weight, said, shown):
    layer = fastconv.prepare(weight, **said)
    assert repr(layer).endswith(", groups=1)" if shown is None else f", groups=1, {shown})")
    again = pickle.loads(pickle.dumps(layer))
    assert repr(again) == repr(layer)
    if "beta" not in said:
        x = numbers((9, 9, 5)) if said.get("channels_last") else numbers((5, 9, 9))
        assert_same_bits(again(x), layer(x))


@pytest.mark.parametrize(
    ("kind", "said", "message"),
    [
        (ValueError, {"weight": np.ones((3, 3))}, "prepare: weight has shape (3, 3), but it must "
         "be (O, C/groups, *kernel) with one to three kernel axes; "
         "for a single kernel write weight[None, None]"),
        (ValueError, {"weight": np.ones((1,) * 6)}, "prepare: weight has shape (1, 1, 1, 1, 1, 1), "
         "but it must be (O, C/groups, *kernel) with one to three kernel axes"),
        (TypeError, {"weight": None}, "prepare: weight is None, but it must be an array"),
        (TypeError, {"weight": np.ones((1, 1, 1), "O")}, "prepare: weight has dtype object, but it "
         "must be bool, an integer dtype, float16, bfloat16, float32, float64, complex64 or "
         "complex128"),
        (ValueError, {"algorithm": "fast"}, "prepare: algorithm is 'fast', "
         f"but it must be one of {', '.join(map(repr, NAMES))}"),
        (ValueError, {"threads": 0}, "prepare: threads is 0, "
         "but it must be an integer from 1 to 1024"),
    ],
)  # fmt: skip
def test_bad_words(kind, said, message):
    with refuses(kind, message):
        fastconv.prepare(**{"weight": np.ones((2, 1, 3))} | said)


@pytest.mark.parametrize(
    "said",
    [
        {"stride": 0},
        {"dilation": -1},
        {"stride": 1.5},
        {"padding": "sane"},
        {"padding": (1, 2)},
        {"groups": 3},
        {"bias": np.ones(3)},
        {"bias": np.ma.masked_array([1.0, 2.0], [False, True])},
    ],
)
def test_bad_parameters_show_when_prepared(said):
    """Not at the first call, where nobody looks for them."""
    with pytest.raises((TypeError, ValueError), match=next(iter(said))):
        fastconv.prepare(np.ones((2, 1, 3)), **said)


def test_a_bad_input_shows_at_the_call(weight):
    ours = fastconv.prepare(weight)
    with refuses(ValueError, "conv2d: input has 4 channels, but weight needs 5"):
        ours(np.ones((1, 4, 9, 9), "f4"))
    with refuses(
        TypeError,
        "conv2d: out has dtype float64, but it must be float32, "
        "or pass dtype=np.float64 to prepare",
    ):
        ours(np.ones((1, 5, 3, 2), "f4"), out=np.ones((1, 37, 1, 1)))


@pytest.mark.parametrize("batch", [(), (7,)])
def test_the_other_place_of_the_channels_is_told(weight, batch):
    for last, shape in ((False, (9, 9, 10)), (True, (10, 9, 9))):
        layer = fastconv.prepare(np.concatenate([weight, weight]), groups=2, channels_last=last)
        place = "come first" if last else "are the last axis"
        hint = f"if the channels {place}, pass channels_last={not last} to prepare"
        with refuses(ValueError, f"conv2d: input has 9 channels, but weight needs 10; {hint}"):
            layer(np.ones(batch + shape))
    with refuses(
        ValueError,
        "conv2d: input has shape (10, 9), but it must be (N, H, W, C) or (H, W, C); "
        "for an input of one channel write input[..., None]",
    ):
        layer(np.ones((10, 9)))


def test_an_out_that_overlaps_the_input_is_checked_like_any_other():
    layer = fastconv.prepare(np.ones((1, 1, 1)))
    x = np.zeros((1, 1, 9))
    for out in (x[..., :8], x.view(np.float32)[..., :9]):
        with pytest.raises((TypeError, ValueError), match="out"):
            layer(x, out=out)


def test_parameters_are_settled_when_prepared():
    padding = [1, 1]
    layer = fastconv.prepare(np.ones((1, 1, 1, 1)), padding=padding)
    padding[:] = [2, 2]
    assert layer(np.ones((1, 3, 5))).shape == (1, 5, 7)


def test_a_border_that_only_a_wider_integer_holds():
    weight = np.ones((1, 1, 1), np.int16)
    x = np.full((1, 3), 70000, np.int32)
    said = {"padding": 1, "padding_value": 70000, "dtype": "i8"}
    got = fastconv.prepare(weight, **said)(x)
    np.testing.assert_array_equal(got, [[70000] * 5])
    np.testing.assert_array_equal(got, fastconv.conv1d(x, weight, **said))


def test_a_complex_result_of_real_and_of_complex_inputs():
    """Real weights are packed in pairs for the one, alone for the other."""
    w, x = numbers((3, 2, 3)), numbers((2, 11))
    layer = fastconv.prepare(w, dtype="c8")
    for source in (x, x + 1j * x, x):
        assert_same_bits(layer(source), fastconv.conv1d(source, w, dtype="c8"))


@pytest.mark.parametrize("layout", ["swapped", "steps", "backwards", "between"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_weights_that_are_not_finite_lie_anyhow(layout, dtype):
    w = numbers((3, 2, 3, 3)).astype(dtype)
    w[1, 0, 2, 1] = np.nan
    x = numbers((1, 2, 7, 7))
    expected = fastconv.conv2d(x, w, padding=2)
    assert np.isfinite(expected[:, ::2]).all()
    odd = READABLE[layout](w)
    assert_same_bits(fastconv.conv2d(x, odd, padding=2), expected)
    assert_same_bits(fastconv.prepare(odd, padding=2)(x), expected)


def test_a_weight_that_is_not_finite_leaves_minus_zero_to_others():
    """Products too small to store, below zero: where an ISA rounds them after they are added to 0,
    that is -0."""
    x, w = np.full((1, 5), -1e-200), np.full((2, 1, 3), 1e-200)
    expected = np.signbit(fastconv.conv1d(x, w, padding=1)[0])
    w[1] = np.inf
    np.testing.assert_array_equal(np.signbit(fastconv.conv1d(x, w, padding=1)[0]), expected)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 1, 3, 2), (0, 3, 2, 1), (1, 0, 2, 3)])
@pytest.mark.parametrize("last", [False, True])
def test_weights_that_are_not_finite_with_a_residual_that_lies_anyhow(last, order):
    """One image for the whole batch, with axes in any order, and backwards; so large (256 KiB)
    that NumPy adds in the place of what is converted."""
    w, x = np.ones((3, 2, 1, 1)), np.ones((2, 71, 79, 2) if last else (2, 2, 71, 79))
    w[1, 0] = np.inf
    said = {"padding": 1, "channels_last": last}
    shape = fastconv.conv2d(x, w, **said).shape
    memory = numbers([shape[axis] for axis in order]).transpose(np.argsort(order))
    memory = memory.astype(np.float32, order="K")
    for residual in (memory[..., ::-1], np.broadcast_to(memory[:1], shape)):
        got = fastconv.conv2d(x, w, residual=residual, **said)
        np.testing.assert_array_equal(got, fastconv.conv2d(x, w, **said) + residual)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"padding": 1, "padding_value": -2.5, "padding_mode": (None,)}, r"padding_mode\[0\]"),
        ({"padding": 1, "padding_value": 2**40, "activation": "foo"}, "activation"),
        ({"padding": 1, "padding_value": -np.inf, "alpha": "two"}, "alpha"),
        ({"dtype": "i4", "alpha": 0.5}, "alpha"),
    ],
)
def test_what_no_input_could_mend_is_blamed(said, named):
    with pytest.raises((TypeError, ValueError), match=f"^prepare: {named} is"):
        fastconv.prepare(np.ones((1, 1, 1), "u2"), **said)


def test_bfloat16_that_is_not_finite_warns_of_nothing():
    x, w = np.ones((1, 2, 5)), np.ones((3, 2, 3))
    x[0, 0, :3], w[0, 0, 0], w[1, 1, 2] = (np.nan, -np.inf, 0), np.inf, np.nan
    for source, weight in ((BF16, BF16), (BF16, "c8"), ("f4", BF16)):
        given = x.astype(source), w.astype(weight)
        expected = fastconv.conv1d(*given, padding=2, algorithm="reference")
        got = fastconv.conv1d(*given, padding=2)
        for part in ("real", "imag"):  # as float64, in which NumPy knows NaN
            pair = (getattr(y.astype("c16"), part) for y in (got, expected))
            np.testing.assert_array_equal(*pair)


@pytest.mark.parametrize("flip", [False, True])
def test_a_layer_cannot_be_changed_through_its_arrays(flip):
    layer = fastconv.prepare(np.ones((2, 3, 3)), np.zeros(2), flip=flip)
    for array in (layer.weight, layer.bias):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 7
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
