# SPDX-License-Identifier: BSD-3-Clause
"""Axes that are one: which, and that the bits are those of the axes as they are."""

import numpy as np
import pytest
from arrays import numbers
from truth import assert_same_bits
from ways import CONV, DEPTHWISE, ISAS, planes, planned_anew

import fastconv
from fastconv._plan import joined

# (rank, sizes, kernel, keywords, axes of the joined call as (n, k, stride, dilation, before, after)
# without those of one position, or None): two channels that follow one another.
CASES = [
    (2, (5, 7), (1, 1), {}, [(35, 1, 1, 1, 0, 0)]),
    (2, (5, 7), (1, 1), {"dilation": 3}, [(35, 1, 1, 1, 0, 0)]),
    (2, (5, 7), (3, 1), {}, [(35, 3, 1, 7, 0, 0)]),
    (2, (5, 7), (3, 1), {"padding": [(2, 1), 0], "dilation": 2}, [(35, 3, 1, 14, 14, 7)]),
    (2, (5, 7), (3, 1), {"padding": [(-1, 3), 0]}, [(35, 3, 1, 7, -7, 21)]),
    (2, (5, 7), (1, 3), {}, None),
    (2, (5, 7), (3, 1), {"stride": (2, 1)}, None),
    (2, (5, 7), (3, 1), {"stride": (1, 2)}, None),
    (2, (5, 7), (3, 1), {"padding": (0, 1)}, None),
    (2, (5, 7), (3, 1), {"padding": [0, (1, -1)]}, None),
    (2, (5, 7), (3, 1), {"padding": [0, (0, 2)]}, None),
    (2, (5, 7), (3, 1), {"padding": [0, (0, -2)]}, None),
    (2, (5, 7), (3, 1), {"padding": (1, 0), "padding_mode": "edge"}, None),
    (2, (5, 7), (3, 1), {"padding": (-1, 0), "padding_mode": "edge"}, [(35, 3, 1, 7, -7, -7)]),
    (2, (11, 1), (3, 1), {"stride": (2, 1), "padding": (1, 0)}, [(11, 3, 2, 1, 1, 1)]),
    (2, (11, 1), (3, 1), {"padding": (1, 0), "padding_mode": "wrap"}, [(11, 3, 1, 1, 1, 1)]),
    (3, (3, 5, 7), (1, 1, 1), {}, [(105, 1, 1, 1, 0, 0)]),
    (3, (3, 5, 7), (3, 1, 1), {"padding": (1, 0, 0)}, [(105, 3, 1, 35, 35, 35)]),
    (3, (3, 5, 7), (1, 3, 1), {}, [(3, 1, 1, 1, 0, 0), (35, 3, 1, 7, 0, 0)]),
    (3, (3, 5, 7), (1, 1, 3), {}, [(15, 1, 1, 1, 0, 0), (7, 3, 1, 1, 0, 0)]),
    (3, (3, 5, 7), (3, 1, 3), {}, [(15, 3, 1, 5, 0, 0), (7, 3, 1, 1, 0, 0)]),
    (3, (3, 1, 7), (3, 1, 3), {"stride": (2, 1, 2)}, [(3, 3, 2, 1, 0, 0), (7, 3, 2, 1, 0, 0)]),
    (3, (3, 5, 7), (3, 3, 3), {}, None),
]
IDS = [f"{sizes}-{kernel}-{said}" for _, sizes, kernel, said, _ in CASES]


def arrays(rank, sizes, kernel, last, groups=2, c_in=1, multiplier=1):
    shape = (2, *sizes, groups * c_in) if last else (2, groups * c_in, *sizes)
    return numbers(shape, "f4"), numbers((groups * multiplier, c_in, *kernel), "f4", 1)


def forms(call):
    """The axes of the joined form of a call, or None if there is none."""
    found = []
    with planned_anew(joined.choosing(lambda calls: found.append(calls) or calls)):
        call()
    (calls,) = found
    return None if len(calls) == 1 else calls[1].spec.axes


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_axes(case, last):
    rank, sizes, kernel, said, expected = case
    x, w = arrays(rank, sizes, kernel, last)
    got = forms(lambda: CONV[rank](x, w, groups=2, channels_last=last, algorithm="depthwise",
                                   **said))  # fmt: skip
    if expected is None:
        assert got is None
        return
    assert [axis[:6] for axis in got] == [(1, 1, 1, 1, 0, 0)] * (3 - len(expected)) + expected


@pytest.mark.parametrize("which", ["x", "out", "residual"])
def test_rows_that_do_not_follow_one_another_stay(which):
    x, w = arrays(2, (5, 8), (3, 1), False)
    said = {"out": np.empty((2, 2, 3, 8), "f4"), "residual": numbers((2, 2, 3, 8), "f4")}
    call = lambda: fastconv.conv2d(x, w, groups=2, algorithm="depthwise", **said)  # noqa: E731
    assert forms(call) is not None
    if which == "x":
        x = numbers((2, 2, 5, 9), "f4")[..., 1:]
    else:
        said[which] = numbers((2, 2, 3, 9), "f4")[..., :8]
    assert forms(call) is None


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_bits(case, last, isa):
    rank, sizes, kernel, said, _ = case
    said = {"channels_last": last, "activation": "relu", **said}
    shapes = [("depthwise", 2, 1, 1), ("depthwise", 19, 1, 2), ("grouped", 5, 3, 2)]
    for algorithm, groups, c_in, multiplier in shapes:
        x, w = arrays(rank, sizes, kernel, last, groups, c_in, multiplier)
        bias = numbers((groups * multiplier,), "f4", 2)
        with fastconv.settings(isa=isa):
            call = lambda how: CONV[rank](x, w, bias, groups=groups, algorithm=how, **said)  # noqa: B023, E731
            expected = call("direct")
            for pick in (slice(1), slice(-1, None)):
                for _, orientation in DEPTHWISE[: 2 if algorithm == "depthwise" else 1]:
                    hooks = joined.choosing(lambda calls: calls[pick]), planes(orientation)  # noqa: B023
                    with planned_anew(*hooks):
                        assert_same_bits(call(algorithm), expected)
                        layer = fastconv.prepare(
                            w, bias, groups=groups, algorithm=algorithm, **said
                        )
                        assert_same_bits(layer(x), expected)
