# SPDX-License-Identifier: BSD-3-Clause
"""Locally connected layers of arrays that touch protected pages: ``python guarded_local.py ISA``.

As guarded.py: a read or a write outside of the arrays is a segmentation fault.
"""

import sys

import numpy as np
from arrays import numbers
from guarded import GAP, LAYOUTS, dtype_of, place, seal
from truth import assert_near
from unshared import run, specified, truth

from fastconv._core import scratch

LAST = {"channels_last": True}

# (input, weight, their dtypes, keywords). "bias" and "residual" stand for arrays of that dtype.
CASES = (
    ((1, 19, 5, 7), (5, 7, 7, 19, 3, 3), "f4 f4", {"padding": 1, "bias": "f4"}),
    ((5, 3, 7, 13), (5, 11, 5, 3, 3, 3), "f4 f4", {"residual": "f4"}),
    ((2, 7, 13, 5), (4, 4, 3, 5, 2, 2), "f8 f8", LAST | {"stride": (2, 3), "padding": (1, 0),
                                                         "bias": "f8"}),
    ((1, 6, 5, 7), (3, 3, 6, 1, 3, 5), "f4 f4", {"groups": 6, "residual": "f4"}),
    ((1, 6, 5, 7), (3, 4, 6, 3, 3, 2), "f2 f4", {"groups": 2, "dilation": (1, 3)}),
    ((2, 3, 9), (16, 1, 3, 4), "f4 f4", {"padding": ((5, 5),), "bias": "f4"}),
    ((1, 7, 3, 4), (2, 2, 5, 7, 2, 3), "c8 f4", {"bias": "c8", "residual": "c8"}),
    ((1, 3, 3, 4), (2, 2, 5, 3, 2, 3), "c8 c8", {"padding": (0, 0), "bias": "c8"}),
    ((1, 3, 3, 4), (4, 2, 2, 3, 2, 3), "f4 c8", {"padding": (1, 0)}),
    ((1, 3, 4, 5), (3, 4, 5, 3, 2, 2), "u1 i1", {"dtype": "i2", "bias": "i2"}),
    ((1, 3, 2, 4, 5), (3, 4, 3, 2, 3, 2, 3, 3), "i8 i8", {"padding": (1, 1, 0)}),
    ((2, 3, 3, 5), (7, 8, 2, 3, 3, 4), "f4 f4", {"padding": 3, "padding_mode": ("wrap", "edge"),
                                                 "bias": "f4", "residual": "f4"}),
)  # fmt: skip


def main(isa):
    """Run everything; returns how many calls there were."""
    calls = 0
    scratch.poison(True)
    for number, (src, wei, words, given) in enumerate(CASES):
        said = dict(given)
        kinds = {name: said.pop(name) for name in ("bias", "residual") if name in said}
        first, second = map(dtype_of, words.split())
        arrays = {"x": numbers(src, first, number), "w": numbers(wei, second, number)}
        problem = specified(*arrays.values(), **said)
        if "bias" in kinds:
            places = problem.outputs[3 - problem.rank :] if number % 2 else ()
            shape = (problem.groups * problem.c_out, *places)
            arrays["bias"] = numbers(shape, dtype_of(kinds["bias"]), number)
        if "residual" in kinds:
            kind = dtype_of(kinds["residual"])
            arrays["residual"] = numbers(problem.output_shape, kind, number)
        before = numbers(problem.output_shape, problem.dtype, number)
        expected = truth(**arrays, **said)
        for layout in (*LAYOUTS, *LAYOUTS):
            at_end, alone = bool(calls % 2), (None, "x", "w", "out", "residual")[calls % 5]
            print(isa, src, wei, said, layout, alone, file=sys.stderr)
            placed = {}
            for name, values in arrays.items():
                kind = layout if alone in (None, name) and values.ndim > 2 else "contiguous"
                placed[name], base = place(values, kind, at_end)
                seal(base)
            out, base = place(before, layout if alone in (None, "out") else "rows", at_end)
            how = {"isa": isa, "threads": 1 + calls % 2}
            run(**placed, out=out, **said, **how)
            assert_near(out, problem, *expected)
            bits = out.copy()
            out[...] = before
            run(**placed, out=out, prepared=True, **said, **how)
            np.testing.assert_array_equal(bits, out)
            gap = np.array(GAP).astype(base.dtype)
            out[...] = gap
            assert (base == gap).all(), "wrote between the numbers of out"
            calls += 1
    return calls


if __name__ == "__main__":
    print(main(sys.argv[1]))
