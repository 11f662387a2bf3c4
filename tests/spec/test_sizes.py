# SPDX-License-Identifier: BSD-3-Clause
"""The arithmetic of one axis, against counting."""

from hypothesis import given
from hypothesis import strategies as st

from fastconv._core import axis as compiled
from fastconv._spec import axis as sizes

lengths = st.integers(1, 40)
kernels = st.integers(1, 9)
steps = st.integers(1, 6)
sides = st.integers(-9, 9)


@given(lengths, kernels, steps, steps, sides, sides)
def test_output_size_counts_positions(n, k, s, d, before, after):
    positions = range(-before, n + after - d * (k - 1), s)
    assert max(0, sizes.output_size(n, k, s, d, before, after)) == len(positions)


@given(lengths, kernels, steps, steps)
def test_same_gives_one_output_per_stride(n, k, s, d):
    for word in ("same", "same_upper", "same_lower"):
        before, after = pad = sizes.PADDINGS[word](n, k, s, d)
        m = sizes.output_size(n, k, s, d, *pad)
        assert m == -(-n // s)
        assert 0 <= (before - after if word == "same_lower" else after - before) <= 1
        if any(pad):  # no cell more than needed
            assert (m - 1) * s + sizes.span(k, d) == n + before + after


@given(lengths, kernels, steps)
def test_same_and_torch_agree_at_stride_1(n, k, d):
    same, torch = (sizes.PADDINGS[word](n, k, 1, d) for word in ("same", "same_torch"))
    assert same == torch
    assert sizes.output_size(n, k, 1, d, *torch) == n


@given(lengths, kernels, steps, steps)
def test_same_torch_does_not_depend_on_size_or_stride(n, k, s, d):
    assert sum(sizes.PADDINGS["same_torch"](n, k, s, d)) == d * (k - 1)


@given(lengths, kernels, steps)
def test_full_is_every_overlap(n, k, d):
    pad = sizes.PADDINGS["full"](n, k, 1, d)
    assert sizes.output_size(n, k, 1, d, *pad) == n + d * (k - 1)
    assert sizes.PADDINGS["valid"](n, k, 1, d) == (0, 0)


@given(st.integers(0, 30), lengths, kernels, steps, steps, st.integers(-40, 40))
def test_valid_outputs_of_each_tap(n, m, k, s, d, before):
    """By counting, in Python and in C."""
    axis = sizes.Axis(n, m, k, s, d, before, 0)
    counted = [[o for o in range(m) if 0 <= o * s + t * d - before < n] for t in range(k)]
    for t, outputs in enumerate(counted):
        assert list(range(*axis.valid(t))) == outputs
        assert compiled.valid_outputs(axis, t) == axis.valid(t)
    pairs = sum(map(len, counted))
    assert compiled.pairs(axis) == pairs
    assert axis.pads == (pairs < k * m)
    ends = {first for first, *_ in filter(None, counted)} | {o[-1] + 1 for o in counted if o}
    assert ends <= set(axis.changes())
    border = axis._replace(border=2)
    assert [border.valid(t) for t in range(k)] == [(0, m)] * k
    assert compiled.valid_outputs(border, 0) == (0, m)
    assert border.reads_border == axis.pads
    assert not border.pads
