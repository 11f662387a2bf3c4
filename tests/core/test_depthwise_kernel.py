# SPDX-License-Identifier: BSD-3-Clause
"""The C kernels of depthwise convolution and of groups of few channels on their own: every width,
with and without masks."""

import ctypes
import re
import shutil
from itertools import product

import numpy as np
import pytest
from ctables import (
    ADD,
    BIAS_COLS,
    BIAS_ROWS,
    CLAMP,
    Columns,
    Epilogue,
    Groups,
    Pixels,
    Plane,
    Reads,
    Store,
    Taps,
    fields,
    find,
    small_integers,
)

pytestmark = pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")
tiled = pytest.mark.parametrize("table", ["f4", "f8", "i8", "l8"], indirect=True)

# (taps of depth, height, width), stride and dilation of height, of width, padding before
KERNELS = [
    ((1, 3, 3), (1, 1), (1, 1), 1),
    ((1, 3, 3), (2, 1), (2, 1), 1),
    ((1, 3, 3), (1, 3), (1, 2), 2),
    ((1, 5, 5), (1, 1), (1, 1), 2),
    ((1, 5, 5), (2, 1), (2, 1), 0),
    ((1, 7, 7), (1, 1), (1, 1), 3),
    ((1, 3, 3), (2, 1), (2, 3), 1),
    ((1, 7, 1), (1, 2), (1, 1), 4),
    ((1, 2, 4), (3, 2), (1, 1), 0),
    ((2, 3, 3), (1, 1), (1, 1), 1),
    ((3, 1, 5), (2, 1), (2, 2), 2),
]


@pytest.fixture(params=["f4", "f8", "i8", "l8"])
def table(isa, request):
    return find(isa, request.param)


def sums(x, w, axes):
    """The planes of (channel, depth, height, width), tap by tap; one output depth."""
    (_, _, d_pad), (s, e, pad), (t, f, left) = axes
    channels, depth, height, width = x.shape
    (rows, columns) = (
        (n + 2 * p - g * (k - 1) - 1) // u + 1
        for n, p, k, u, g in ((height, pad, w.shape[2], s, e), (width, left, w.shape[3], t, f))
    )
    y = np.zeros((channels, rows, columns), x.dtype)
    for d, h, v in np.ndindex(w.shape[1:]):
        for i, j in np.ndindex(rows, columns):
            at = d - d_pad, i * s + h * e - pad, j * t + v * f - left
            if all(0 <= a < n for a, n in zip(at, (depth, height, width), strict=True)):
                y[:, i, j] += w[:, d, h, v] * x[(slice(None), *at)]
    return y


def columns_of(count, widest, lanes, masked, valid):
    """The columns in parts, widest first, and what they keep alive."""
    parts, held, at = [], [], 0
    for vectors in (4, 2, 1):
        while vectors <= widest and at < count and (vectors == 1 or count - at >= vectors * lanes):
            mask = None
            if masked:
                mask = np.array(
                    [[valid(tap, at + v * lanes) for v in range(vectors)] for tap in range(99)],
                    np.uint32,
                )
                held.append(mask)
            place = None if mask is None else mask.ctypes.data
            parts.append(Columns(at, min(vectors * lanes, count - at), vectors, place))
            at += vectors * lanes
    return (Columns * len(parts))(*parts), held


@pytest.mark.parametrize(
    "structure", [Taps, Store, Reads, Columns, Plane, Pixels, Groups, Epilogue]
)
def test_structures_are_those_of_the_header(structure):
    name = re.match(r"fc_\w+", structure.__doc__)[0]
    assert [field[0] for field in structure._fields_] == fields(name)


@tiled
@pytest.mark.parametrize("large", [False, True])  # with parts of rows and of columns
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_depthwise(table, kernel, large):
    taps, (s, e), (t, f), pad = kernel
    rng = np.random.default_rng(0)
    lanes, widest = table.lanes, 2 if t == 2 else table.plane_vectors
    if large:
        widest = 1
    sizes = (9 * lanes - 1,) if large else (lanes * (widest + 1) - 3, 2 * lanes, 3)
    for columns, flags in product(sizes, (0, BIAS_ROWS | CLAMP)):
        height, channels = (37 if large else 2) * s + e * (taps[1] - 1) + 3, 3 - large
        width = (columns - 1) * t + f * (taps[2] - 1) + 1 - 2 * pad
        if width < 1 or (flags and table.dtype.kind != "f"):
            continue
        x = small_integers(rng, (channels, 2, height, width), table.dtype)
        w = small_integers(rng, (channels, *taps), table.dtype)
        bias = small_integers(rng, channels, table.dtype)
        expected = sums(x, w, ((1, 1, 0), (s, e, pad), (t, f, pad)))
        if flags:
            expected = np.clip(expected + bias[:, None, None], -20, 30)
        rows = expected.shape[1]
        step = np.arange(taps[2], dtype=np.intp) * f

        def valid(tap, column, t=t, f=f, width=width):
            at = column * t - pad + tap * f
            return sum(1 << i for i in range(lanes * t) if 0 <= at + i < width)

        parts, _held = columns_of(columns, widest, lanes, True, valid)
        reads = (  # alive while the kernel reads their tables
            Reads(2, height * width, 1, taps[0], 1, 1, 0),
            Reads(height, width, rows, taps[1], s, e, pad),
        )
        plane = Plane(
            *reads,
            step.ctypes.data,
            len(step),
            t == 2,
            0,
            ctypes.addressof(parts),
            ctypes.addressof(parts) + ctypes.sizeof(parts),
            taps[2],
            columns,
            0,
            expected[0].size,
            w[0].size,
            x[0].size,
            expected[0].size,
            0 if large else x[0].size,
            0 if large else expected[0].size,
            large,
        )
        y = np.full(expected.shape, 77, table.dtype)
        store = Store(flags, y, bias, low=-20, high=30)
        table.call("depthwise", plane, channels, w, shifted(x, -pad), y, store)
        np.testing.assert_array_equal(y, expected)
        table.call("depthwise", plane, channels, w, shifted(x, -pad), y, Store(ADD, y))
        if not flags:
            np.testing.assert_array_equal(y, 2 * expected)


def shifted(array, elements):
    """The address of an array, moved."""
    return ctypes.c_void_p(array.ctypes.data + elements * array.itemsize)


@tiled
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_depthwise_channels(table, kernel):
    """Some vectors, of which the last may have fewer channels, in more parts than one."""
    taps, (s, e), (t, f), pad = kernel
    rng = np.random.default_rng(1)
    lanes = table.lanes
    sizes = ((11, 2), (3, 2), (41, 19))
    counts = (lanes, lanes - 1, 2 * lanes + 1)
    for (columns, rows), channels, flags in product(sizes, counts, (0, BIAS_COLS | CLAMP)):
        height = rows * s + e * (taps[1] - 1) + 3
        width = (columns - 1) * t + f * (taps[2] - 1) + 1 - 2 * pad
        if width < 1 or (flags and table.dtype.kind != "f"):
            continue
        vectors = -(-channels // lanes)
        x = small_integers(rng, (2, height, width, channels), table.dtype)
        w = small_integers(rng, (vectors, *taps, lanes), table.dtype)
        bias = small_integers(rng, vectors * lanes, table.dtype)
        planes = np.moveaxis(x, -1, 0)
        weights = np.moveaxis(w, -1, 1).reshape(vectors * lanes, *taps)[:channels]
        expected = sums(planes, weights, ((1, 1, 0), (s, e, pad), (t, f, pad)))
        expected = np.moveaxis(expected, 0, -1)
        if flags:
            expected = np.clip(expected + bias[:channels], -20, 30)
        reads = (
            Reads(2, height * width * channels, 1, taps[0], 1, 1, 0),
            Reads(height, width * channels, expected.shape[0], taps[1], s, e, pad),
            Reads(width, channels, columns, taps[2], t, f, pad),
        )
        last = channels - (vectors - 1) * lanes
        for ahead in (0, 1):
            pixels = Pixels(*reads, columns * channels, channels, (1 << last) - 1, ahead)
            y = np.full(expected.shape, 77, table.dtype)
            store = Store(flags, y, bias, low=-20, high=30)
            table.call("depthwise_channels", pixels, vectors, w, x, y, store)
            np.testing.assert_array_equal(y, expected)
            table.call("depthwise_channels", pixels, vectors, w, x, y, Store(ADD, y))
            if not flags:
                np.testing.assert_array_equal(y, 2 * expected)


@tiled
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_grouped(table, kernel):
    taps, (s, e), (t, f), pad = kernel
    rng = np.random.default_rng(2)
    lanes, widest = table.lanes, table.grouped_pixels
    # (input and output channels of a group, groups): in one vector, in two halves, not whole.
    some = [(lanes, lanes, 1), (lanes // 2, lanes // 2, 2), (1, 2, lanes // 2)]
    some += [(2, 1, lanes // 2), (lanes // 2, 1, 2), (1, 1, lanes - 1)]
    for columns, (inputs, outputs, groups) in product((widest + 3, 3), some):
        height = 3 * s + e * (taps[1] - 1) + 3
        width = (columns - 1) * t + f * (taps[2] - 1) + 1 - 2 * pad
        if width < 1:
            continue
        channels, made = inputs * groups, outputs * groups
        x = small_integers(rng, (2, height, width, channels), table.dtype)
        w = small_integers(rng, (made, inputs, *taps), table.dtype)
        bias = np.zeros(lanes, table.dtype)
        bias[:made] = small_integers(rng, made, table.dtype)
        expected = 0
        for k in range(inputs):  # channel k of each group, for all of its outputs
            planes = np.moveaxis(x[..., k::inputs], -1, 0).repeat(outputs, 0)
            expected = expected + sums(planes, w[:, k], ((1, 1, 0), (s, e, pad), (t, f, pad)))
        expected = np.moveaxis(expected, 0, -1)
        packed = np.zeros(w.size + lanes, table.dtype)  # [tap][k][lane], and what is read beyond
        packed[: w.size] = np.moveaxis(w.reshape(made, inputs, -1), (0, 1, 2), (2, 1, 0)).ravel()
        lane = np.minimum(np.arange(lanes) // outputs, groups - 1)
        each = table.itemsize // 4
        index = (lane * inputs + np.arange(inputs)[:, None])[:, :, None] * each + np.arange(each)
        index = index.astype(np.int32)
        length = (widest + taps[2]) // 4 * 4 + 4
        room = np.full(taps[0] * 2 * taps[1] * taps[2] * length * inputs * lanes, 5, table.dtype)
        step = np.zeros(taps[2] * inputs, np.intp)
        reads = (
            Reads(2, height * width * channels, 1, taps[0], 1, 1, 0),
            Reads(height, width * channels, expected.shape[0], taps[1], s, e, pad),
            Reads(width, channels, columns, taps[2], t, f, pad),
        )
        pixels = Pixels(*reads, columns * made, made, (1 << made) - 1)
        places = None if groups == 1 else index.ctypes.data, room.ctypes.data, step.ctypes.data
        how = Groups(inputs, 0, made, (1 << channels) - 1, *places)
        y = np.full(expected.shape, 77, table.dtype)
        table.call("grouped", pixels, how, packed, x, y, Store(0, y))
        np.testing.assert_array_equal(y, expected)
        table.call("grouped", pixels, how, packed, x, y, Store(ADD, y))
        np.testing.assert_array_equal(y, 2 * expected)
        if table.dtype.kind == "f":
            store = Store(BIAS_COLS | CLAMP, y, bias, low=-20, high=30)
            table.call("grouped", pixels, how, packed, x, y, store)
            np.testing.assert_array_equal(y, np.clip(expected + bias[:made], -20, 30))
