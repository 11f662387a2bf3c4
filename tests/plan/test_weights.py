# SPDX-License-Identifier: BSD-3-Clause
"""Weights on their way into panels: however they lie, and before the first task or in each."""

from operator import itemgetter

import numpy as np
import pytest
from arrays import numbers
from truth import assert_same_bits
from ways import CONV, ISAS, with_schedules

import fastconv
from fastconv._plan import constants

LAYOUTS = {  # of weights (O, C, *kernel), all with output channels nearer than input channels
    "transposed": lambda w: w.swapaxes(0, 1).copy().swapaxes(0, 1),
    "last": lambda w: np.moveaxis(np.moveaxis(w, 0, -1).copy(), -1, 0),
    "backward": lambda w: w[::-1, ::-1].swapaxes(0, 1).copy().swapaxes(0, 1)[::-1, ::-1],
    "apart": lambda w: np.repeat(w.swapaxes(0, 1), 2, axis=1).swapaxes(0, 1)[::2],
}
DTYPES = ["f4 f4", "f8 f8", "f4 c8", "f8 c16", "f8 c8", "f4 f2", "f4 >f4", "c8 c8", "i4 i4"]
SHAPES = {1: ((2, 5, 37), (3,)), 2: ((2, 5, 13, 17), (3, 2)), 3: ((2, 5, 5, 7, 11), (2, 1, 3))}


def arrays(rank, dtypes, groups=1):
    """An input, and weights of more channels than a panel has."""
    source, weight = dtypes.split()
    (batch, channels, *sizes), kernel = SHAPES[rank]
    x = numbers((batch, groups * channels, *sizes), source)
    return x, numbers((groups * 37, channels, *kernel), weight.strip(">"), 1).astype(weight)


def packing(orientation, ahead):
    """Plans that pack before the first task, where they can, or not."""

    def pick(tiled, work):
        every = list(tiled.schedules(work, orientation))
        found = [pair for pair in every if pair[1].ahead == ahead] or every
        return min(found, key=itemgetter(0))

    return with_schedules(pick)


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("dtypes", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout, dtypes, ahead):
    for rank in (1, 2, 3):
        x, w = arrays(rank, dtypes)
        view = LAYOUTS[layout](w)
        assert np.array_equal(view, w)
        for isa in ISAS:
            with fastconv.settings(isa=isa):
                expected = CONV[rank](x, w, padding=1, algorithm="direct")
            for orientation in ("pixels", "channels"):
                for algorithm in ("direct", "im2col_gemm"):
                    said = {"padding": 1, "algorithm": algorithm, "threads": 2}
                    with fastconv.settings(isa=isa), packing(orientation, ahead):
                        got = CONV[rank](x, view, **said)
                        copies = fastconv.plan(CONV[rank], x, view, **said).copies
                    assert ("weight: whole" in copies) == ahead
                    assert_same_bits(got, expected)


@pytest.mark.parametrize("threads", [1, 2])
def test_groups(threads):
    x, w = arrays(2, "f4 f4", groups=3)
    view = LAYOUTS["transposed"](w)
    for orientation in ("pixels", "channels"):
        with packing(orientation, ahead=True):
            got = fastconv.conv2d(x, view, groups=3, algorithm="direct", threads=threads)
        assert_same_bits(got, fastconv.conv2d(x, w, groups=3, algorithm="direct"))


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_weights_that_are_not_finite(value):
    for place in ((0, 0, 0, 0), (36, 4, 2, 1)):
        x, w = arrays(2, "f4 f4")
        w[place] = value
        expected = fastconv.conv2d(x, w, padding=1, algorithm="reference")
        for orientation in ("pixels", "channels"):
            for algorithm in ("direct", "im2col_gemm"):
                with packing(orientation, ahead=True):
                    view, said = LAYOUTS["transposed"](w), {"padding": 1, "algorithm": algorithm}
                    got = fastconv.conv2d(x, view, **said)
                np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_weights_that_lie_as_they_are_wanted_are_not_packed_ahead():
    x, w = arrays(2, "f4 f4")
    for orientation in ("pixels", "channels"):
        with packing(orientation, ahead=True):
            how = fastconv.plan(fastconv.conv2d, x, w, algorithm="direct")
        assert "weight: a panel at a time" in how.copies


def test_a_large_transposed_convolution_packs_ahead():
    x, w = (1, 512, 28, 28), (512, 256, 2, 2)
    how = fastconv.plan(fastconv.conv_transpose2d, x, w, stride=2, threads=2)
    assert "weight: whole" in how.copies
    layer = fastconv.prepare(fastconv.conv_transpose2d, np.ones(w, "f4"), stride=2)
    assert not any("weight" in word for word in layer.plan(x, threads=2).copies)


def test_no_task_packs_weights_for_long():
    shapes = (1, 1000, 1, 1), (40_000, 1000, 1, 1)  # 40 million weights
    how = fastconv.plan(fastconv.conv2d, *shapes, threads=1, algorithm="direct")
    most = constants.OPERATIONS_PER_CHUNK / constants.OPERATIONS_PER_ELEMENT
    assert how.tasks >= 40_000_000 / most
    layer = fastconv.prepare(np.ones(shapes[1], "f4"), algorithm="direct")
    assert layer.plan(shapes[0], threads=1).tasks == 1
