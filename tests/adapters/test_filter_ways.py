# SPDX-License-Identifier: BSD-3-Clause
"""SciPy's bits by every instruction set and number of threads, and for arrays of many boxes."""

import signal

import numpy as np
import pytest
from programs import linux
from scipy import ndimage
from scipy_cases import drawn
from scipy_check import failure, modules
from scipy_faults import known
from ways import ISAS

import fastconv
from fastconv._core import context
from fastconv._scipy.dispatch import noting as handed_over

OURS, CALLS = modules("fastconv"), 150
BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant")


@pytest.fixture(params=ISAS)
def isa(request):
    """Small calls, too, ask for the instruction set."""
    context.ask_for_small_work(True)
    yield request.param
    context.ask_for_small_work(False)


@pytest.mark.parametrize("threads", [1, 3])
def test_random_calls(isa, threads):
    first = 1000 * threads + 100000 * ISAS.index(isa)
    with fastconv.settings(isa=isa, threads=threads):
        for number in range(first, first + CALLS):
            call = drawn(5, number)
            if not known(call):
                assert not failure(call, OURS), f"call {number} of seed 5: {call}"


def shapes_of(rng):
    """Arrays of several boxes, along some axis."""
    yield (int(rng.integers(30000, 70000)),)
    yield int(rng.integers(3, 9)), int(rng.integers(20000, 40000))
    yield int(rng.integers(2000, 9000)), int(rng.integers(3, 40))
    yield int(rng.integers(90, 300)), int(rng.integers(300, 2500))
    yield int(rng.integers(20, 60)), int(rng.integers(20, 90)), int(rng.integers(20, 200))
    yield int(rng.integers(90, 200)), int(rng.integers(90, 300)), 3
    yield int(rng.integers(9000, 14000)), 3  # boxes of whole pixels


def along_an_axis(rng, x):
    """(function, arguments, keywords) of filters of lines."""
    taps = int(rng.choice([1, 2, 3, 9, 41, 133]))
    weights = rng.standard_normal(taps)
    weights += weights[::-1] * rng.choice([0, 1, -1])
    words = {"axis": int(rng.integers(x.ndim)), "mode": str(rng.choice(BORDERS)), "cval": 2.0}
    words["origin"] = int(rng.integers(-(taps // 2), (taps - 1) // 2 + 1))
    yield "correlate1d", (x, weights), words
    yield "uniform_filter1d", (x, taps), words
    yield "maximum_filter1d", (x, taps), words
    yield "minimum_filter1d", (x, taps), words


def over_windows(rng, x):
    """The same of filters of windows."""
    window = tuple(int(n) for n in rng.integers(1, 6, x.ndim))
    footprint = rng.random(window) < 0.8
    footprint.flat[0] = True
    words = {"mode": str(rng.choice(BORDERS)), "cval": 2.0}
    yield "correlate", (x, rng.standard_normal(window)), words
    yield "maximum_filter", (x,), words | {"footprint": footprint}
    yield "median_filter", (x,), words | {"footprint": footprint}
    yield "grey_erosion", (x,), words | {"structure": rng.standard_normal(window)}


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i4"])
@pytest.mark.parametrize("make", [along_an_axis, over_windows])
def test_arrays_of_many_boxes(make, dtype):
    rng = np.random.default_rng(["f4", "f8", "u1", "i4"].index(dtype))
    for shape in shapes_of(rng):
        x = (rng.standard_normal(shape) * 40 + 90).astype(dtype)
        for layout in (x, np.asfortranarray(x), x[::-1]):
            for name, args, words in make(rng, layout):
                threads = int(rng.integers(1, 4))
                expected = getattr(ndimage, name)(*args, **words)
                with fastconv.settings(threads=threads):
                    got = getattr(OURS.ndimage, name)(*args, **words)
                what = f"{name} {shape} {dtype} {words} threads={threads}"
                assert got.tobytes() == expected.tobytes(), what
                if make is along_an_axis:  # in place, as the second pass of a separable filter
                    same = args[0].copy(order="K")
                    with fastconv.settings(threads=threads):
                        getattr(OURS.ndimage, name)(same, *args[1:], output=same, **words)
                    assert same.tobytes() == expected.tobytes(), f"{what} in place"


@pytest.mark.soak
def test_a_long_line_in_parts():
    """Sums that run along a line, and lines that are overwritten, go on from part to part."""
    x = np.random.default_rng(0).standard_normal(130_000_000).astype("f4")
    expected = ndimage.uniform_filter1d(x, 9)
    assert OURS.ndimage.uniform_filter1d(x, 9).tobytes() == expected.tobytes()
    expected = ndimage.correlate1d(x, [1, 2, 3.0])
    OURS.ndimage.correlate1d(x, [1, 2, 3.0], output=x)
    assert x.tobytes() == expected.tobytes()


# ---- one line, with many taps or a window that is large ------------------------------------------


@linux
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "call",
    [
        lambda x: OURS.ndimage.correlate1d(x, x[:50001]),
        lambda x: OURS.ndimage.convolve(x, x[:50001]),
        lambda x: OURS.signal.convolve2d(x[None], x[None, :50001], "same"),
        lambda x: OURS.signal.upfirdn(x[:50001], x),
        lambda x: OURS.ndimage.median_filter(x[None, :30000], (1, 9001)),
    ],
    ids=["correlate1d", "convolve", "convolve2d", "upfirdn", "median_filter"],
)
def test_signals_are_looked_at_within_one_line(call, threads):
    x, seen = np.random.default_rng(3).standard_normal(100_000), []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    try:
        with fastconv.settings(threads=threads):
            call(x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(seen) > 3


@pytest.mark.parametrize("mode", BORDERS)
@pytest.mark.parametrize("size", [1, 2, 5, 211, 30011])
def test_windows_that_are_larger_than_their_line(size, mode):
    rng = np.random.default_rng(size)
    x = np.round(rng.standard_normal((size, 3)) * 9).astype("f4")
    for window in (3 * size + 2, 11 * size + 40):
        for name in ("uniform_filter1d", "maximum_filter1d"):
            for line in (x, x[:, 0], x[::-1, 1]):
                said = {"axis": 0, "mode": mode, "origin": size // 3}
                expected = getattr(ndimage, name)(line, window, **said)
                assert getattr(OURS.ndimage, name)(line, window, **said).tobytes() == (
                    expected.tobytes()
                )


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i2", "<f4", "<i4"])
@pytest.mark.parametrize("name", ["median_filter", "maximum_filter", "minimum_filter1d"])
def test_any_byte_order_is_served(name, dtype):
    x = np.random.default_rng(0).standard_normal((31, 37)) * 50
    x = np.round(x + 0.25 * (x == 0)).astype(dtype) + np.array(1000, dtype)
    with handed_over() as reasons:
        got = getattr(OURS.ndimage, name)(x.astype(dtype), 5)
    assert got.tobytes() == getattr(ndimage, name)(x.astype(dtype), 5).tobytes()
    assert not reasons


def test_long_windows_along_one_axis_are_scipys():
    x = np.random.default_rng(1).standard_normal(500)
    with handed_over() as reasons:
        got = OURS.ndimage.median_filter(x, 201)
    assert got.tobytes() == ndimage.median_filter(x, 201).tobytes()
    assert reasons in ([], ["a long window along one axis, where SciPy is faster"])
