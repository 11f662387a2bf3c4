# SPDX-License-Identifier: BSD-3-Clause
"""`kernels.separate`: tuples of 1-D kernels whose outer products sum to one of several axes."""

import copy
import pickle
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastconv

FIRST = (-1, -2, 0, 2, 1)  # of getDerivKernels(1, 0, 5)


def make(name, *values, **said):
    return getattr(fastconv.kernels, name)(*values, **said)


def joined(pairs):
    return sum(reduce(np.multiply.outer, term) for term in pairs)


def lack(terms, taps):
    return np.linalg.norm(joined(terms) - taps) / np.linalg.norm(taps)


def of_rank(rank, *shape):
    """A kernel that is the sum of so many outer products of random numbers."""
    rng = np.random.default_rng((rank, *shape))
    return joined([[rng.standard_normal(n) for n in shape] for _ in range(rank)])


@pytest.mark.parametrize(
    ("name", "said", "rank"),
    [
        ("mean", {"size": (3, 4)}, 1),
        ("gaussian", {"size": (7, 12), "sigma": (0.3, 3)}, 1),
        ("sobel", {"size": 7}, 1),
        ("scharr", {"axis": 0}, 1),
        ("prewitt", {"size": 5}, 1),
        ("laplacian", {}, 2),
        ("laplacian", {"size": 7}, 2),
        ("sharpen", {}, 2),
        ("unsharp", {"sigma": 2}, 2),
        ("emboss", {"angle": 0.4}, 3),
        ("gabor", {"theta": 0}, 1),
        ("gabor", {"theta": 0.5, "gamma": 1}, 2),  # a round envelope, cos of a sum of angles
    ],
)
def test_separate_named_kernels(name, said, rank):
    taps = make(name, **said)
    pairs = make("separate", taps)
    assert len(pairs) == rank
    assert all(column.shape + row.shape == taps.shape for column, row in pairs)
    assert all(column.flags.c_contiguous for column, _ in pairs)
    assert all(np.abs(row).max() == 1 == row.max() for _, row in pairs)
    np.testing.assert_allclose(joined(pairs), taps, rtol=0, atol=1e-14 * np.abs(taps).max())


def test_separate_keeps_integers():
    for sign in (1, -1):
        ((column, row),) = make("separate", sign * make("sobel", 5))
        assert column.tolist() == [2, 8, 12, 8, 2]
        assert row.tolist() == [sign * tap / 2 for tap in FIRST]


@pytest.mark.parametrize("scale", [1, -1e300, 1e-300])
def test_separate_full_rank(scale):
    taps = scale * np.random.default_rng(0).standard_normal((5, 7))
    pairs = make("separate", taps)
    assert len(pairs) == 5
    np.testing.assert_allclose(joined(pairs), taps, rtol=0, atol=1e-14 * np.abs(taps).max())
    sizes = [np.linalg.norm(column / scale) * np.linalg.norm(row) for column, row in pairs]
    assert sizes == sorted(sizes, reverse=True)


def test_separate_leaves_out_what_the_tolerance_allows():
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (4, 6))
    taps = left @ np.diag([10, 4, 1, 0.5]) @ right[:4]
    for tolerance, rank in ((0, 4), (0.049, 4), (0.051, 3), (0.101, 2), (0.401, 1)):
        pairs = make("separate", taps, tolerance)
        assert len(pairs) == rank
        error = np.linalg.norm(joined(pairs) - taps)
        assert error == pytest.approx(np.linalg.norm([10, 4, 1, 0.5][rank:]), abs=1e-13)


def test_separate_of_nothing_and_of_one():
    ((column, row),) = make("separate", np.zeros((2, 3)))
    assert (column.tolist(), row.tolist()) == ([0, 0], [0, 0, 0])
    assert len(make("separate", make("gaussian", sigma=3), tolerance=0)) == 1
    ((column, row),) = make("separate", [[-5]])
    assert (column.tolist(), row.tolist()) == ([-5], [1])
    pairs = make("separate", np.eye(3, dtype=bool))
    np.testing.assert_allclose(joined(pairs), np.eye(3), atol=1e-15)


def test_separate_leaves_its_argument_alone():
    taps = make("gaussian")
    before = taps.copy()
    ((column, row),) = make("separate", taps)
    column[:] = row[:] = 0
    assert np.array_equal(taps, before)


# ---- several axes, few terms -------------------------------------------------------------------

SHAPES = [(7,), (5, 7), (3, 5, 7), (1, 5, 3), (2, 3, 5, 7), (3, 1, 2, 2, 5)]


@pytest.mark.parametrize("shape", SHAPES)
def test_rank_1_of_any_number_of_axes(shape):
    taps = of_rank(1, *shape)
    (term,) = terms = make("separate", taps)
    assert tuple(map(len, term)) == shape
    assert all(array.dtype == np.float64 and array.max() == 1 for array in term[1:])
    np.testing.assert_allclose(joined(terms), taps, rtol=0, atol=2e-15 * np.abs(taps).max())
    assert terms.error == pytest.approx(lack(terms, taps))
    assert terms.error < 1e-15


def test_integers_of_three_axes_are_exact():
    lines = [1, 2, 1], FIRST, [3, 0, -6, 1]
    taps = reduce(np.multiply.outer, lines)
    (term,) = terms = make("separate", taps)
    assert terms.error == 0
    assert [array.tolist() for array in term] == [
        [12, 24, 12],
        [0.5, 1, 0, -1, -0.5],
        [-0.5, 0, 1, -1 / 6],
    ]


def test_one_axis_is_its_own_factor():
    ((taps,),) = make("separate", FIRST)
    assert taps.tolist() == list(FIRST)


@pytest.mark.parametrize("scale", [1, -1e300, 1e-300])
@pytest.mark.parametrize("shape", SHAPES[2:])
def test_full_rank_of_any_number_of_axes(shape, scale):
    taps = scale * np.random.default_rng(0).standard_normal(shape)
    terms = make("separate", taps)
    assert len(terms) <= np.prod(shape) / max(shape)
    np.testing.assert_allclose(joined(terms), taps, rtol=0, atol=1e-14 * np.abs(taps).max())
    assert terms.error < 1e-14
    sizes = [
        np.prod([np.linalg.norm(a / 1e150) * 1e150 for a in t[1:]]) * np.linalg.norm(t[0] / scale)
        for t in terms
    ]
    assert sizes == sorted(sizes, reverse=True)


def test_the_laplacian_of_a_volume_has_three_terms():
    taps = np.zeros((3, 3, 3))
    for axis in range(3):
        np.moveaxis(taps, axis, -1)[1, 1] += [1, -2, 1]
    terms = make("separate", taps, rank=3)
    assert len(terms) == 3
    assert terms.error < 1e-14


@pytest.mark.parametrize("rank", [1, 2, 4, 9])
def test_the_best_pairs_are_those_of_the_singular_values(rank):
    taps = np.random.default_rng(0).standard_normal((5, 7))
    values = np.linalg.svd(taps, compute_uv=False)
    pairs = make("separate", taps, rank=rank)
    assert len(pairs) == min(rank, 5)
    assert pairs.error == pytest.approx(
        np.linalg.norm(values[rank:]) / np.linalg.norm(values), abs=1e-14
    )
    assert pairs.error == pytest.approx(lack(pairs, taps), abs=1e-14)


@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 3, 5, 3)])
def test_few_terms_of_several_axes(shape):
    """Never worse than the same number of the terms that are given without a rank, and the same
    each time."""
    taps = np.random.default_rng(1).standard_normal(shape)
    every, before = make("separate", taps), 1
    for rank in (1, 2, 3, 5):
        terms = make("separate", taps, rank=rank)
        assert len(terms) <= rank
        assert terms.error == pytest.approx(lack(terms, taps))
        assert terms.error <= min(before, lack(every[:rank], taps) + 1e-12)
        again = make("separate", taps, rank=rank)
        assert all(
            np.array_equal(a, b)
            for one, two in zip(terms, again, strict=True)
            for a, b in zip(one, two, strict=True)
        )
        before = terms.error


def test_few_terms_that_nearly_suffice():
    taps = of_rank(2, 5, 6, 7)
    noise = 1e-3 * np.random.default_rng(0).standard_normal(taps.shape)
    error = make("separate", taps + noise, rank=2).error
    assert error < 1.1 * np.linalg.norm(noise) / np.linalg.norm(taps)


@settings(deadline=None)
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    rank=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_few_terms_of_any_kernel(shape, rank, seed):
    rng = np.random.default_rng(seed)
    taps = rng.integers(-2, 3, shape).astype(float)
    terms = make("separate", taps, rank=rank)
    assert 1 <= len(terms) <= rank
    assert all(tuple(map(len, term)) == tuple(shape) for term in terms)
    assert np.isfinite(joined(terms)).all()
    if taps.any():
        assert terms.error == pytest.approx(lack(terms, taps), abs=1e-12)
        assert terms.error < 1
    assert make("separate", taps).error < 1e-13


def test_a_separation_is_a_list():
    terms = make("separate", make("laplacian"), rank=1)
    assert isinstance(terms, list)
    for other in (copy.copy(terms), pickle.loads(pickle.dumps(terms))):
        assert other.error == terms.error
        assert len(other) == 1


def test_dir_shows_what_is_public():
    assert dir(fastconv.kernels) == sorted(fastconv.kernels.__all__)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("sigma", [1, 2, 5, 10])
def test_taps_that_were_rounded_to_their_dtype_are_one_term(dtype, sigma):
    kernel = fastconv.kernels.gaussian(sigma=sigma).astype(dtype)
    terms = fastconv.kernels.separate(kernel)
    assert len(terms) == 1 or dtype == "f2"  # whose small taps are rounded away
    assert terms.error < 8 * np.finfo(dtype).eps
