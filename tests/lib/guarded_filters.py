# SPDX-License-Identifier: BSD-3-Clause
"""Filters of arrays that touch protected pages: ``python guarded_filters.py ISA``.

As guarded.py: a read or a write outside of the arrays is a segmentation fault.
"""

import sys

import numpy as np
from guarded import GAP, LAYOUTS, place, seal
from scipy import ndimage, signal

import fastconv
import fastconv.ndimage
import fastconv.signal
from fastconv._core import context, scratch

WEIGHTS = np.array([0.5, -2, 3, 1, 0.25])
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 1]], bool)

# (function, arguments, keywords), of arrays of two axes.
CASES = (
    ("correlate1d", (WEIGHTS,), {"axis": 0}),
    ("correlate1d", (WEIGHTS,), {"axis": 1, "origin": -2, "mode": "wrap"}),
    ("correlate1d", (WEIGHTS[:4],), {"axis": 1, "mode": "constant", "cval": 3}),
    ("correlate", (np.arange(15.0).reshape(3, 5),), {"mode": "mirror"}),
    ("correlate", (np.arange(8.0).reshape(4, 2),), {"mode": "constant"}),
    ("uniform_filter1d", (4,), {"axis": 0}),
    ("uniform_filter1d", (5,), {"axis": 1, "mode": "nearest"}),
    ("maximum_filter1d", (6,), {"axis": 0}),
    ("minimum_filter1d", (5,), {"axis": 1, "mode": "wrap"}),
    ("maximum_filter", (), {"footprint": CROSS}),
    ("grey_erosion", (), {"footprint": CROSS, "structure": np.arange(9.0).reshape(3, 3)}),
    ("median_filter", (), {"size": 3}),
    ("median_filter", (), {"size": 5, "mode": "wrap"}),
    ("rank_filter", (2,), {"footprint": CROSS}),
)
SHAPES = ((5, 7), (3, 67), (33, 4), (17, 131))
DTYPES = ("f4", "f8", "u1", "i2", "i8")


def main(isa):
    calls = 0
    scratch.poison(True)
    context.ask_for_small_work(True)
    rng = np.random.default_rng(0)
    for name, arguments, said in CASES:
        for shape in SHAPES:
            dtype = DTYPES[calls % len(DTYPES)]
            values = (rng.standard_normal(shape) * 30 + 60).astype(dtype)
            wanted = getattr(ndimage, name)(values, *arguments, **said)
            for layout in LAYOUTS:
                print(isa, name, shape, dtype, said, layout, file=sys.stderr)
                at_end = bool(calls % 2)
                x, base = place(values, layout, at_end)
                seal(base)
                out, base = place(np.zeros_like(wanted), layout, at_end)
                with fastconv.settings(isa=isa, threads=1 + calls % 2):
                    getattr(fastconv.ndimage, name)(x, *arguments, output=out, **said)
                np.testing.assert_array_equal(out, wanted)
                out[...] = np.array(GAP).astype(dtype)
                assert (base == np.array(GAP).astype(dtype)).all(), "wrote between its numbers"
                calls += 1
    return calls + signals(isa, rng)


def signals(isa, rng):
    """Functions that make their own outputs."""
    calls = 0
    kernel = rng.standard_normal((3, 6))
    taps = rng.standard_normal(11)
    for shape in SHAPES:
        for dtype in ("f4", "f8", "c8", "c16", "i4"):
            values = (rng.standard_normal(shape) * 30).astype(dtype)
            for layout in LAYOUTS:
                x, base = place(values, layout, bool(calls % 2))
                seal(base)
                with fastconv.settings(isa=isa, threads=1 + calls % 2):
                    for name, args in (
                        ("convolve2d", (x, kernel.astype(dtype), "full", "symm")),
                        ("correlate", (x, kernel.astype(dtype), "same", "direct")),
                        ("upfirdn", (taps, x, 3, 2)),
                    ):
                        print(isa, name, shape, dtype, layout, file=sys.stderr)
                        theirs = getattr(signal, name)(*args)
                        np.testing.assert_array_equal(getattr(fastconv.signal, name)(*args), theirs)
                        calls += 1
    return calls


if __name__ == "__main__":
    print(main(sys.argv[1]))
