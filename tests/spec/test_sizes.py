# SPDX-License-Identifier: BSD-3-Clause
"""The arithmetic of one axis, against counting."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastconv._core import axis as compiled
from fastconv._plan.work import core_axis
from fastconv._spec.axis import PADDINGS, Axis
from fastconv._spec.borders import Border, reach

lengths = st.integers(1, 40)
kernels = st.integers(1, 9)
steps = st.integers(1, 6)
sides = st.integers(-9, 9)


def padded(word, axis):
    before, after = PADDINGS[word](axis)
    return axis._replace(before=before, after=after)


@given(lengths, kernels, steps, steps, sides, sides)
def test_outputs_are_the_positions(n, k, s, d, before, after):
    positions = range(-before, n + after - d * (k - 1), s)
    assert max(0, Axis(n, k, s, d, before, after).outputs) == len(positions)


@given(st.integers(0, 40), kernels, steps, steps, sides, sides, st.data())
def test_a_part_of_the_outputs_is_an_axis(n, k, s, d, before, after, data):
    """With zeros beside it, whatever the border."""
    for border in Border if n else (Border.ZERO,):
        axis = Axis(n, k, s, d, before, after, border)
        if axis.outputs < 1:
            return
        end = data.draw(st.integers(1, axis.outputs))
        first = data.draw(st.integers(0, end - 1))
        outputs, read, (left, right) = axis.part(first, end)
        assert outputs == slice(first, end)
        read = np.arange(n)[read] if isinstance(read, slice) else read
        part = Axis(len(read), k, s, d, left, right)
        assert part.outputs == end - first
        for o, tap in product(range(part.outputs), range(k)):
            here = o * s + tap * d - left
            there = np.array((first + o) * s + tap * d - before)
            found = read[here] if 0 <= here < part.n else -1
            assert found == reach(border, there, n)


@given(lengths, kernels, steps, steps)
def test_same_gives_one_output_per_stride(n, k, s, d):
    for word in ("same", "same_upper", "same_lower"):
        axis = padded(word, Axis(n, k, s, d))
        assert axis.outputs == -(-n // s)
        odd = axis.after - axis.before
        assert 0 <= (-odd if word == "same_lower" else odd) <= 1
        if axis.before or axis.after:  # no element more than needed
            assert (axis.outputs - 1) * s + axis.span == axis.padded


@given(lengths, kernels, steps)
def test_same_and_torch_agree_at_stride_1(n, k, d):
    same, torch = (padded(word, Axis(n, k, 1, d)) for word in ("same", "same_torch"))
    assert same == torch
    assert torch.outputs == n


@given(lengths, kernels, steps, steps)
def test_same_torch_does_not_depend_on_size_or_stride(n, k, s, d):
    assert sum(PADDINGS["same_torch"](Axis(n, k, s, d))) == d * (k - 1)


@given(lengths, kernels, steps)
def test_full_is_every_overlap(n, k, d):
    assert padded("full", Axis(n, k, 1, d)).outputs == n + d * (k - 1)
    assert PADDINGS["valid"](Axis(n, k, 1, d)) == (0, 0)


@given(st.integers(0, 30), lengths, kernels, steps, steps, st.integers(-40, 40))
def test_valid_outputs_of_each_tap(n, m, k, s, d, before):
    """By counting, in Python and in C."""
    after = (m - 1) * s + d * (k - 1) + 1 - n - before
    axis = Axis(n, k, s, d, before, after)
    assert axis.outputs == m
    counted = [[o for o in range(m) if 0 <= o * s + t * d - before < n] for t in range(k)]
    for t, outputs in enumerate(counted):
        assert list(range(*axis.valid(t))) == outputs
        assert compiled.valid_outputs(core_axis(axis), t) == axis.valid(t)
        read = [o * s + t * d - before for o in outputs]
        assert list(range(n))[axis.reads(t)] == read
    pairs = sum(map(len, counted))
    assert compiled.pairs(core_axis(axis)) == pairs
    assert axis.pads == (pairs < k * m)
    ends = {first for first, *_ in filter(None, counted)} | {o[-1] + 1 for o in counted if o}
    assert ends <= set(axis.changes())
    border = axis._replace(border=Border.EDGE)
    assert [border.valid(t) for t in range(k)] == [(0, m)] * k
    assert compiled.valid_outputs(core_axis(border), 0) == (0, m)
    assert border.reads_border == axis.pads
    assert not border.pads
