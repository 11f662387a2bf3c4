# SPDX-License-Identifier: BSD-3-Clause
"""The same bits, however the work is cut: by threads, batch, algorithm, cache, or call."""

from itertools import product
from zlib import crc32

import numpy as np
import pytest
from arrays import DTYPES, WRITEABLE, numbers
from truth import assert_same_bits
from ways import ALGORITHMS, CONV, ISAS, WAYS, with_caches, with_schedules

import fastconv

pytestmark = pytest.mark.usefixtures("poisoned")

# (input, weight, keywords): blocks of k of one and of several channels, of less than one, edges of
# every kind, depthwise.
CASES = [
    ((3, 67, 11, 13), (37, 67, 3, 3), {"padding": 1}),
    ((3, 131, 7, 5), (17, 131, 1, 1), {}),
    ((2, 3, 31, 29), (19, 3, 7, 7), {"stride": 2, "padding": 3}),
    ((2, 5, 29, 31), (3, 5, 19, 17), {"padding": 5}),
    ((3, 34, 17, 19), (26, 17, 3, 5), {"dilation": (5, 3), "padding": (5, 6), "groups": 2}),
    ((2, 13, 41, 37), (26, 1, 3, 3), {"groups": 13, "padding": "same"}),
    ((4, 3, 101), (2, 3, 2), {"dilation": 64}),
    ((2, 7, 5, 11, 13), (18, 7, 3, 3, 3), {"padding": 1, "stride": (1, 2, 2)}),
    ((2, 1, 67, 71), (1, 1, 5, 3), {"padding": 2}),
    ((1, 3, 70, 29), (17, 3, 41, 3), {"padding": (20, 1)}),  # more pieces than there is room for
]
NAMES = [f"{w}" for _, w, _ in CASES]


def make(case, dtype="f4"):
    x, w, said = case
    return numbers(x, dtype), numbers(w, dtype, seed=1), numbers(w[:1], dtype, seed=2), said


def run(x, w, bias=None, **said):
    return CONV[w.ndim - 2](x, w, bias, **said)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_threads_batch_algorithm_and_prepared(case, dtype, isa):
    x, w, bias, said = make(case, dtype)
    with fastconv.settings(isa=isa):
        expected = run(x, w, bias, **said, threads=1)
        for threads in (2, 3, 7):
            assert_same_bits(run(x, w, bias, **said, threads=threads), expected)
        for algorithm in ALGORITHMS:
            for threads in (1, 3):
                how = {"algorithm": algorithm, "threads": threads}
                assert_same_bits(run(x, w, bias, **said, **how), expected)
                assert_same_bits(fastconv.prepare(w, bias, **said, **how)(x), expected)
        for part in (slice(0, 1), slice(1, None)):
            assert_same_bits(run(x[part], w, bias, **said), expected[part])
        assert_same_bits(run(x[0], w, bias, **said), expected[0])
        assert_same_bits(run(x.repeat(3, 0), w, bias, **said)[::3], expected)


@pytest.mark.parametrize("l2", [2**16, 2**17, 2**19, 2**24])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_cache(case, l2):
    x, w, bias, said = make(case)
    expected = run(x, w, bias, **said)
    with with_caches(l2):
        for algorithm in ALGORITHMS:
            got = run(x, w, bias, **said, algorithm=algorithm, threads=3)
            assert_same_bits(got, expected)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_every_schedule(case, isa):
    """Not only the best: each box, lane, strip and orientation that is weighed."""
    x, w, bias, said = make(case)
    expected = None
    seen = set()
    for (algorithm, orientation), turn in product(WAYS, range(40)):

        def pick(tiled, work, orientation=orientation, turn=turn):
            found = (schedule for _, schedule in tiled.schedules(work, orientation))
            seed = str(turn).encode()
            one = min(found, key=lambda each: crc32(seed + repr(each).encode()))
            seen.add(one)
            return 0.0, one

        with with_schedules(pick), fastconv.settings(isa=isa, algorithm=algorithm):
            got = run(x, w, bias, **said, threads=2)
        expected = got if expected is None else expected
        assert_same_bits(got, expected)
    assert len(seen) > 12
    assert {schedule.orientation for schedule in seen} == {"pixels", "channels"}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("case", CASES[:3] + CASES[4:5], ids=NAMES[:3] + NAMES[4:5])
def test_out(case, algorithm):
    x, w, bias, said = make(case)
    expected = run(x, w, bias, **said)
    for layout in WRITEABLE.values():
        out = layout(np.full(expected.shape, np.nan, "f4"))
        got = run(x, w, bias, **said, out=out, algorithm=algorithm)
        assert_same_bits(got.astype("f4"), expected)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_memory(algorithm):
    x, w, bias, said = make(CASES[0])
    expected = run(x, w, bias, **said)
    for layout in WRITEABLE.values():
        assert_same_bits(run(layout(x), w, bias, **said, algorithm=algorithm), expected)
        assert_same_bits(run(x, layout(w), bias, **said, algorithm=algorithm), expected)


# ---- inf and NaN -------------------------------------------------------------------------------


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_bad_weight_shows_only_where_it_meets_input(case, bad, algorithm, prepared):
    x, w, bias, said = make(case)
    clean = run(x, w, bias, **said)
    o, c = w.shape[0] // 2, w.shape[1] // 2
    for tap in (0, -1):
        worse = w.copy()
        worse[o, c].flat[tap] = bad
        if prepared:
            got = fastconv.prepare(worse, bias, **said, algorithm=algorithm)(x)
        else:
            got = run(x, worse, bias, **said, algorithm=algorithm)
        expected = run(x, worse, bias, **said, algorithm="reference")
        met = ~np.isfinite(expected)
        assert met.any()
        np.testing.assert_array_equal(got[met], expected[met])
        # One that meets only padding adds nothing, to the bit.
        nothing = w.copy()
        nothing[o, c].flat[tap] = 0
        others = run(x, nothing, bias, **said)
        assert_same_bits(np.where(met, 0, got), np.where(met, 0, others))
        assert_same_bits(np.delete(got, o, 1), np.delete(clean, o, 1))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("bad", [np.inf, np.nan])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_bad_input_shows_only_in_the_windows_that_see_it(case, bad, algorithm):
    x, w, bias, said = make(case)
    clean = run(x, w, bias, **said)
    for place in (0, -1, x[0].size // 2 + x.shape[-1] // 2):
        worse = x.copy()
        worse[-1].flat[place] = bad
        got = run(worse, w, bias, **said, algorithm=algorithm)
        expected = run(worse, w, bias, **said, algorithm="reference")
        met = ~np.isfinite(expected)
        np.testing.assert_array_equal(got[met], expected[met])
        assert_same_bits(np.where(met, 0, got), np.where(met, 0, clean))


def test_every_tap_and_place_of_a_small_plane():
    for algorithm in ALGORITHMS:
        for at in range(9):
            w = np.ones((1, 1, 3, 3), "f4")
            w.flat[at] = np.inf
            got = fastconv.conv2d(np.ones((1, 1, 3, 4), "f4"), w, padding=1, algorithm=algorithm)
            assert np.isinf(got).sum() == (3 - abs(at // 3 - 1)) * (4 - abs(at % 3 - 1))
            assert np.isfinite(got[~np.isinf(got)]).all()


@pytest.mark.parametrize("isa", ISAS)
def test_a_stencil_whose_taps_take_turns_between_lanes(isa):
    """Stride above dilation, a kernel of several blocks of k: lanes begin in another order."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((1, 1, 401, 41), np.float32)
    w = rng.standard_normal((1, 1, 50, 9), np.float32)
    said = {"stride": 7, "dilation": 3, "padding": (0, 20)}
    with fastconv.settings(isa=isa):
        first, *others = (fastconv.conv2d(x, w, algorithm=a, **said) for a in ALGORITHMS)
    for other in others:
        np.testing.assert_array_equal(first, other)
