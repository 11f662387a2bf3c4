# SPDX-License-Identifier: BSD-3-Clause
"""`kernels.separate`: pairs of 1-D kernels whose outer products sum to one of 2-D."""

import numpy as np
import pytest

import fastconv

FIRST = (-1, -2, 0, 2, 1)  # of getDerivKernels(1, 0, 5)


def make(name, *values, **said):
    return getattr(fastconv.kernels, name)(*values, **said)


def joined(pairs):
    return sum(np.outer(column, row) for column, row in pairs)


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


def test_dir_shows_what_is_public():
    assert dir(fastconv.kernels) == sorted(fastconv.kernels.__all__)
