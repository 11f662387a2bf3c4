# SPDX-License-Identifier: BSD-3-Clause
"""Plans that are kept: never met by a call that means something else, and bounded in memory."""

import numpy as np
import pytest

import fastconv
from fastconv._plan import kept
from fastconv._plan.weights import LayerWeights


class Box:
    """A number whose text never tells what it is."""

    def __init__(self, number):
        self.number = number

    def __array__(self, dtype=None, copy=None):
        return np.array(self.number, dtype)

    def __repr__(self):
        return "Box"


@pytest.mark.parametrize(
    "said",
    [
        lambda n: {"alpha": n},
        lambda n: {"beta": n, "out": np.ones((1, 5), "f4")},
        lambda n: {"activation": ("clip", -9, n)},
        lambda n: {"activation": ["leaky_relu", n]},
        lambda n: {"padding": 1, "padding_value": n},
    ],
)
@pytest.mark.parametrize("prepared", [False, True])
def test_numbers_are_read_anew_in_each_call(said, prepared):
    """A plan is kept for numbers, not for the objects that held them."""
    x, w = np.arange(-4, 6, 2, "f4")[None], np.ones((1, 1, 1), "f4")
    changing = Box(0)
    for number in (1.5, 2.5, 0.5):
        changing.number = number
        given = said(changing)
        out = given.pop("out", None)
        if prepared:
            got = fastconv.prepare(w, **given)(x, out=out)
        else:
            got = fastconv.conv1d(x, w, out=out, **given)
        given = said(number)
        np.testing.assert_array_equal(got, fastconv.conv1d(x, w, algorithm="reference", **given))


def test_a_dtype_is_read_anew_in_each_call():
    class Like:
        def __repr__(self):
            return "Like"

    x, w, like = np.ones((1, 3), "f4"), np.ones((1, 1, 1), "f4"), Like()
    for name in ("f4", "f8", "f2"):
        like.dtype = np.dtype(name)
        assert fastconv.conv1d(x, w, dtype=like).dtype == name


class Word(str):
    """A word whose text never tells what it is."""

    def __repr__(self):
        return "Word"


@pytest.mark.parametrize(
    ("argument", "words", "more"),
    [
        ("activation", ("relu", "relu6", "none"), {}),
        ("padding", ("valid", "full", "same_lower"), {}),
        ("padding_mode", ("edge", "wrap", "mirror"), {"padding": 1}),
        ("padding_mode", (["edge"], ["wrap"], ["mirror"]), {"padding": 1}),
        ("overflow", ("saturate", "wrap"), {"dtype": "i1", "alpha": 100}),
        ("dtype", ("f4", "f8", "f2"), {}),
    ],
)
def test_words_are_told_apart_by_their_letters(argument, words, more):
    x, w = np.arange(-2, 8)[None], np.array([[[1, 2, 4]]])
    for word in words:
        odd = [Word(word[0])] if isinstance(word, list) else Word(word)
        got = fastconv.conv1d(x, w, **more, **{argument: odd})
        expected = fastconv.conv1d(x, w, **more, **{argument: word})
        np.testing.assert_array_equal(got, expected, strict=True)
    for algorithm in ("direct", "im2col_gemm"):
        assert fastconv.plan("conv1d", x, w, algorithm=Word(algorithm)).algorithm == algorithm


@pytest.mark.parametrize("true", [True, np.True_])
def test_a_flag_of_numpy_is_a_flag(true):
    x, w = np.arange(5.0)[None], np.array([[[1.0, 2, 4]]])
    right = fastconv.conv1d(x, w[..., ::-1])
    np.testing.assert_array_equal(fastconv.conv1d(x, w, flip=true), right)
    np.testing.assert_array_equal(fastconv.prepare(w, flip=true)(x), right)
    last = fastconv.conv1d(x.T, w, channels_last=true)
    np.testing.assert_array_equal(last, fastconv.conv1d(x, w).T)


def test_kept_plans_take_bounded_memory():
    stores = [kept.Store(), kept.Store()]
    for number in range(40):
        kept.keep(stores[number % 2], (number,), number, 10 << 20)
        assert kept.kept_bytes() <= kept.KEPT_BYTES
    assert sorted(stores[0].values()) == [34, 36, 38]
    del stores[0]
    kept.keep(stores[0], (40,), 40, 10 << 20)
    assert sorted(stores[0].values()) == [35, 37, 39, 40]
    kept.forget()
    assert not stores[0]


def test_a_layer_packs_once_for_all_plans_that_want_the_same():
    w = np.ones((5, 3, 3, 3))
    weights, layer = LayerWeights(w, np.arange(5)), fastconv.prepare(w, padding=1)
    plans = [layer.plan((3, n, n)) for n in (9, 11, 13, 31)]
    packed = {}  # by what lies in vectors
    for how in plans:
        ready = weights.ready(how)
        assert weights.ready(how) is ready
        assert packed.setdefault(how.orientation, ready[1]) is ready[1]
    kept.forget()
    for how in plans:
        assert weights.ready(how)[1] is packed[how.orientation], "they stay with the layer"


def test_tables_of_many_outputs_are_counted():
    kept.forget()
    x = np.broadcast_to(np.float32(1), (1, 1, 300_000))
    fastconv.adaptive_max_pool1d(x, 200_000)
    assert kept.kept_bytes() > 16 * 200_000  # a first cell and an end for each output
