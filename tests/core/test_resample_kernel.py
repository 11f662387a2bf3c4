# SPDX-License-Identifier: BSD-3-Clause
"""The kernels of resampling on their own, called in the built extension."""

import ctypes
import shutil

import numpy as np
import pytest
from ctables import POINTER, SIZE, small_integers

pytestmark = pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")

FAR, NEAR, TOGETHER = 0, 1, 2


class Samples(ctypes.Structure):
    """fc_samples."""

    _fields_ = [
        *((name, SIZE) for name in ("groups", "taps", "every")),
        *((name, POINTER) for name in ("at", "count", "base", "place", "weight", "near")),
        *((name, SIZE) for name in ("whole", "regular", "step")),
    ]


class PixelSamples(ctypes.Structure):
    """fc_pixel_samples."""

    _fields_ = [
        *((name, SIZE) for name in ("outputs", "taps", "every", "inner", "step")),
        *((name, POINTER) for name in ("count", "place", "weight")),
    ]


def pointers(arrays):
    """Their addresses, as an array."""
    return np.array([array.ctypes.data for array in arrays], np.intp)


def weights(rng, table, shape):
    """Small integers, or masks."""
    if table.dtype.kind == "f":
        return small_integers(rng, shape, table.dtype)
    return -rng.integers(0, 2, shape).astype(table.dtype)


def weighed(table, weight, value):
    return weight * value if table.dtype.kind == "f" else weight & value


@pytest.mark.parametrize("near", [FAR, NEAR, TOGETHER])
def test_resample_rows(table, isa, near):
    lanes, dtype, rng = table.lanes, table.dtype, np.random.default_rng(near)
    parts = table.itemsize // 4
    for taps in (1, 2, 3, 4) if dtype.kind == "f" else (1,):
        for groups, uneven, rows in ((1, False, 1), (3, False, 4), (5, True, 7), (4, False, 8)):
            length = 5 * lanes
            outputs = groups * lanes - (lanes // 2 if groups > 1 else 0)
            at = np.minimum(np.arange(groups) * lanes, outputs - lanes).astype(np.intp)
            count = np.full(groups, taps, np.intp)
            if uneven and taps > 1:
                count[::2] = rng.integers(1, taps, len(count[::2]))
            base = rng.integers(0, length - 2 * lanes, (groups, taps)).astype(np.intp)
            if near == TOGETHER:
                base[:] = base[:, :1]
            reach = lanes if near else 2 * lanes
            place = rng.integers(0, reach, (groups, taps, lanes))
            index = np.zeros((groups, taps, lanes * parts), np.int32)
            if near:
                index[:] = (parts * place[..., None] + np.arange(parts)).reshape(index.shape)
            else:
                index[..., :lanes] = place
            by = weights(rng, table, (groups, taps, lanes))
            src = small_integers(rng, (rows, length), dtype)
            twice = [src[r // 2 * 2] for r in range(rows)] if groups == 4 else list(src)
            out = np.full((rows, outputs + 1), 77, dtype)
            expected = out.copy()
            for r in range(rows):
                for g in range(groups):
                    total = np.zeros(lanes, dtype)
                    for t in range(count[g]):
                        total += weighed(table, by[g, t], twice[r][base[g, t] + place[g, t]])
                    expected[r, at[g] : at[g] + lanes] = total
            kinds = np.full(groups, near, np.int8)
            held = (at, count, base, index, by, kinds)
            every = taps if (count == taps).all() else 0
            samples = Samples(groups, taps, every, *(array.ctypes.data for array in held))
            table.call("resample_rows", samples, pointers(out), pointers(twice), rows)
            np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("regular", [1, 4, 6])
def test_resample_whole_rows(table, isa, regular):
    """Copies by groups that are regular, and then by others; sums of one input are no others."""
    lanes, dtype, rng = table.lanes, table.dtype, np.random.default_rng(regular)
    parts, groups, step = table.itemsize // 4, 6, max(1, lanes // 2)
    length = lanes * groups
    at = (np.arange(groups) * lanes).astype(np.intp)
    base = rng.integers(0, length - lanes, groups).astype(np.intp)
    place = rng.integers(0, lanes, (groups, lanes))
    base[:regular] = 1 + step * np.arange(regular)
    place[:regular] = rng.integers(0, lanes, lanes)
    index = (parts * place[..., None] + np.arange(parts)).reshape(groups, -1).astype(np.int32)
    src = small_integers(rng, (7, length), dtype)
    rows = [src[r] for r in (0, 1, 1, 2, 2, 2, 3, 4, 4, 4, 4)]
    out = np.full((len(rows), groups * lanes + 1), 77, dtype)
    expected = out.copy()
    for g in range(groups):
        expected[:, at[g] : at[g] + lanes] = [row[base[g] + place[g]] for row in rows]
    count, near = np.ones(groups, np.intp), np.full(groups, TOGETHER, np.int8)
    by = np.full((groups, lanes), 1 if dtype.kind == "f" else -1, dtype)
    held = (at, count, base, index, by, near)
    addresses = [array.ctypes.data for array in held]
    samples = Samples(groups, 1, 1, *addresses, 1, regular, step)
    table.call("resample_rows", samples, pointers(out), pointers(rows), len(rows))
    np.testing.assert_array_equal(out, expected)


def test_resample_pixels(table, isa):
    lanes, dtype, rng = table.lanes, table.dtype, np.random.default_rng(0)
    for inner in (lanes, lanes + 1, 2 * lanes - 1, 4 * lanes, 5 * lanes + 3):
        for taps in (1, 2, 3) if dtype.kind == "f" else (1,):
            src = small_integers(rng, (7, inner), dtype)
            index = rng.integers(0, 7, (5, taps))
            place = (index * inner).astype(np.intp)
            count = np.full(5, taps, np.intp)
            if taps == 3:
                count[1::2] = 2
            by = weights(rng, table, (5, taps))
            out = np.full((5, inner + 2), 77, dtype)
            expected = out.copy()
            for o in range(5):
                terms = [weighed(table, by[o, t], src[index[o, t]]) for t in range(count[o])]
                expected[o, :inner] = sum(terms)
            every = taps if taps < 3 else 0
            held = (count, place, by)
            samples = PixelSamples(5, taps, every, inner, inner + 2, *(a.ctypes.data for a in held))
            table.call("resample_pixels", samples, out, src)
            np.testing.assert_array_equal(out, expected)


def test_weigh_rows(table, isa):
    """Of floating point; integers are only copied."""
    lanes, dtype, rng = table.lanes, table.dtype, np.random.default_rng(0)
    for rows in (1, 2, 3, 16) if dtype.kind == "f" else ():
        for count in (1, lanes - 1, lanes, lanes + 1, 4 * lanes, 9 * lanes + 1):
            src = small_integers(rng, (rows, count), dtype)
            by = small_integers(rng, rows, dtype)
            out = np.full(count + 1, 3, dtype)
            for add in (0, 1):
                expected = by @ src + (out[:-1] if add else 0)
                table.call("weigh_rows", out, pointers(src), by, rows, count, add)
                np.testing.assert_array_equal(out[:-1], expected)
                assert out[-1] == 3
