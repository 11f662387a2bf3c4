# SPDX-License-Identifier: BSD-3-Clause
"""Operations without weights on arrays that touch protected pages: ``python guarded_moves.py ISA``.

As guarded.py: a read or a write outside of the arrays is a segmentation fault.
"""

import sys

import numpy as np
from arrays import numbers
from guarded import GAP, LAYOUTS, dtype_of, place, seal

import fastconv
from fastconv import channel_shuffle, fold, pad, pixel_shuffle, pixel_unshuffle, unfold
from fastconv._core import scratch

LAST = {"channels_last": True}

# (function, shape of the input, dtype, arguments, keywords)
CASES = (
    (unfold, (2, 3, 7, 37), "f4", (3,), {"padding": 1}),
    (unfold, (2, 3, 7, 19), "u1", ((2, 5),), {"padding": 2, "padding_mode": "mirror"}),
    (unfold, (1, 2, 5, 23), "f8", (3,), {"stride": 2, "dilation": (1, 2)}),
    (unfold, (2, 5, 7, 13), "c16", ((1, 2),), {"padding": ((-1, 2), (3, 0))} | LAST),
    (unfold, (3, 5, 67), "f2", ((4,),), {"padding": 70, "padding_mode": "wrap"}),
    (unfold, (1, 2, 3, 5, 7), "i2", ((2, 1, 3),), {"stride": (1, 2, 1)}),
    (fold, (2, 27, 259), "f4", ((7, 37), 3), {"padding": 1}),
    (fold, (2, 20, 18), "u1", ((7, 7), (2, 5)), {"padding": 0} | LAST),
    (fold, (1, 18, 20), "f8", ((7, 23), 3), {"stride": (1, 5), "dilation": (1, 2)}),
    (fold, (1, 18, 40), "f4", ((7, 19), 3), {"stride": 2, "padding": 1}),
    (fold, (1, 16, 25), "u4", ((10, 10), 2), {"stride": 2}),
    (fold, (2, 6, 33), "c8", ((33,), (3,)), {"padding": 1}),
    (fold, (2, 6, 11), "f2", ((33,), (3,)), {"stride": 3}),
    (pad, (3, 7, 37), "f4", (((1, 2), (0, 0), (3, -1)), "edge"), {}),
    (pad, (5, 7, 3), "u1", (((1, 2), (9, 1), (0, 0)), "symmetric"), {}),
    (pad, (5, 7, 3), "f4", (((1, 2), (9, 1), (0, 0)), "constant", 7), {}),
    (pad, (3, 131), "f8", (1, "wrap"), {}),
    (pixel_shuffle, (2, 18, 5, 17), "f4", (3,), {}),
    (pixel_shuffle, (2, 5, 17, 8), "u1", ((4, 2),), LAST),
    (pixel_unshuffle, (2, 3, 6, 34), "f4", (2,), {}),
    (channel_shuffle, (2, 6, 5, 7), "f2", (3,), {}),
)


def main(isa):
    """Run everything; returns how many calls there were."""
    calls = 0
    scratch.poison(True)
    for number, (function, shape, dtype, arguments, said) in enumerate(CASES):
        values = numbers(shape, dtype_of(dtype), number)
        expected = function(values, *arguments, algorithm="reference", **said)
        before = np.zeros_like(expected)
        for layout in (*LAYOUTS, *LAYOUTS):
            at_end, alone = bool(calls % 2), (None, "x", "out")[calls % 3]
            print(isa, function.__name__, shape, said, layout, alone, file=sys.stderr)
            kind = layout if alone in (None, "x") else "contiguous"
            x, base = place(values, kind, at_end)
            seal(base)
            out, base = place(before, layout if alone in (None, "out") else "rows", at_end)
            with fastconv.settings(isa=isa, threads=1 + calls % 2):
                function(x, *arguments, out=out, **said)
            np.testing.assert_array_equal(out, expected)
            gap = np.array(GAP).astype(base.dtype)
            out[...] = gap
            assert (base == gap).all(), "wrote between the numbers of out"
            calls += 1
    return calls


if __name__ == "__main__":
    print(main(sys.argv[1]))
