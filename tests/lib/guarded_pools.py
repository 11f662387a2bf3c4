# SPDX-License-Identifier: BSD-3-Clause
"""Pooling and unpooling of arrays that touch protected pages: ``python guarded_pools.py ISA``.

As guarded.py: a read or a write outside of the arrays is a segmentation fault.
"""

import sys
from itertools import product

import numpy as np
from arrays import numbers
from guarded import GAP, LAYOUTS, dtype_of, place, seal
from pools import CONVENTIONS

import fastconv
from fastconv._core import scratch

LAST, FOUND = {"channels_last": True}, {"return_indices": True}
EDGE = {"padding": 4, "padding_mode": "edge"}

# (function, shape of the input, dtype, arguments, keywords)
CASES = (
    ("max_pool2d", (2, 3, 7, 37), "f4", (3, 2, 1), FOUND),
    ("max_pool2d", (2, 3, 16, 34), "f4", (2,), {}),
    ("max_pool2d", (2, 3, 16, 32), "f4", (2,), FOUND),
    ("max_pool2d", (1, 2, 9, 33), "f8", (3, 1, 1), FOUND),
    ("max_pool2d", (1, 2, 9, 33), "f8", (3, 1), {}),
    ("max_pool2d", (2, 9, 11, 19), "f4", (3, 2, 1), FOUND | LAST),
    ("max_pool2d", (2, 9, 11, 3), "u1", (3, 2, 1), LAST),
    ("max_pool2d", (1, 2, 19, 21), "f4", (13, 1, 6), {}),
    ("max_pool2d", (1, 2, 19, 21), "f4", (13, 1, 6), {"nan_policy": "omit"}),
    ("max_pool2d", (1, 2, 19, 21), "i8", (5, 3), EDGE),
    ("max_pool1d", (2, 3, 131), "f4", (4,), {}),
    ("max_pool1d", (2, 3, 67), "f2", (3, 2, 1), FOUND),
    ("max_pool3d", (1, 2, 4, 6, 34), "f4", (2,), FOUND),
    ("min_pool2d", (1, 2, 9, 33), "i4", (3, 2, 1), FOUND | {"index_dtype": np.int32}),
    ("avg_pool2d", (2, 3, 9, 35), "f4", (3, 1, 1), {}),
    ("avg_pool2d", (2, 3, 9, 35), "f8", (3, 2), {"nan_policy": "omit"}),
    ("avg_pool2d", (2, 5, 9, 17), "f4", (2, 2, 1), LAST),
    ("avg_pool2d", (1, 2, 19, 21), "f4", (11, 1, 5), {}),
    ("max_pool2d", (1, 131, 5, 7), "f4", (3, 2, 1), LAST),
    ("min_pool2d", (1, 67, 5, 7), "f8", (2,), LAST | EDGE),
    ("avg_pool2d", (1, 149, 5, 7), "f4", (3, 1, 1), LAST),
    ("lp_pool2d", (1, 2, 9, 21), "f4", (2, 3), {}),
    ("adaptive_max_pool2d", (1, 3, 13, 37), "f4", ((5, 7),), FOUND),
    ("adaptive_avg_pool2d", (2, 13, 11, 17), "f4", ((5, 7),), LAST),
    ("adaptive_avg_pool2d", (2, 3, 13, 37), "f4", ((5, 7),), {}),
    ("adaptive_avg_pool2d", (2, 3, 13, 5), "f8", ((5, 3),), {}),
    ("adaptive_max_pool2d", (2, 3, 9, 21), "f4", ((4, 5),), {"nan_policy": "omit"}),
    ("adaptive_avg_pool3d", (1, 3, 5, 6, 19), "f2", ((2, 4, 3),), {}),
    ("global_avg_pool2d", (1, 70, 3, 5), "f4", (), LAST),
    ("global_avg_pool2d", (2, 5, 7, 7), "f4", (), {}),
    ("global_max_pool3d", (2, 5, 3, 5, 7), "f2", (), FOUND),
)
CLOSE = {"f2": 2e-3, "f4": 1e-5, "f8": 1e-12}


def main(isa):
    """Run everything; returns how many calls there were."""
    calls = 0
    scratch.poison(True)
    for number, (name, shape, dtype, arguments, said) in enumerate(CASES):
        function = getattr(fastconv, name)
        values = numbers(shape, dtype_of(dtype), number)
        expected = function(values, *arguments, algorithm="reference", **said)
        pair = isinstance(expected, tuple)
        wanted = expected if pair else (expected,)
        for layout in (*LAYOUTS, *LAYOUTS):
            at_end, alone = bool(calls % 2), (None, "x", "out")[calls % 3]
            print(isa, name, shape, said, layout, alone, file=sys.stderr)
            kind = layout if alone in (None, "x") else "contiguous"
            x, base = place(values, kind, at_end)
            seal(base)
            outs, bases = [], []
            for one in wanted:
                kind = layout if alone in (None, "out") else "rows"
                out, base = place(np.zeros_like(one), kind, at_end)
                outs.append(out)
                bases.append(base)
            with fastconv.settings(isa=isa, threads=1 + calls % 2):
                function(x, *arguments, out=tuple(outs) if pair else outs[0], **said)
            for out, base, one in zip(outs, bases, wanted, strict=True):
                close = CLOSE.get(dtype, 0) if "max" not in name and "min" not in name else 0
                np.testing.assert_allclose(out, one, rtol=close, atol=close)
                gap = np.array(GAP).astype(base.dtype)
                out[...] = gap
                assert (base == gap).all(), "wrote between the numbers of out"
            calls += 1
    return calls + unpoolings(isa)


def unpoolings(isa):
    """Places side by side and not, of one channel and of several, within planes and beyond."""
    calls = 0
    for shape, convention in product(((2, 3, 5, 17), (1, 37, 7, 5), (2, 3, 65)), CONVENTIONS):
        rank, x = len(shape) - 2, numbers(shape, "f4")
        name, kernel = f"max_unpool{rank}d", (1, 2)[2 - rank :]
        said = {"index_convention": convention}
        pool = getattr(fastconv, f"max_pool{rank}d")
        values, own = pool(np.repeat(x, 2, -1), kernel, return_indices=True, **said)
        for layout, indices in product(LAYOUTS, (own, np.flip(own))):
            at_end = bool(calls % 2)
            if convention == "plane" and indices is not own:
                indices = np.flip(indices, (-1, -2)[:rank])
            print(isa, name, shape, said, layout, file=sys.stderr)
            value, base = place(values, layout, at_end)
            seal(base)
            index, base = place(indices, layout, at_end)
            seal(base)
            wanted = getattr(fastconv, name)(values, indices, kernel, algorithm="reference", **said)
            out, base = place(np.zeros_like(wanted), layout, at_end)
            with fastconv.settings(isa=isa, threads=1 + calls // 2 % 2):
                getattr(fastconv, name)(value, index, kernel, out=out, **said)
            np.testing.assert_array_equal(out, wanted)
            out[...] = GAP
            assert (base == GAP).all(), "wrote between the numbers of out"
            calls += 1
    return calls


if __name__ == "__main__":
    print(main(sys.argv[1]))
