# SPDX-License-Identifier: BSD-3-Clause
"""Transposed convolutions of arrays that touch protected pages: ``python guarded_adjoint.py ISA``.

As guarded.py: a read or a write outside of the arrays is a segmentation fault.
"""

import sys
from random import Random

import numpy as np
from adjoint import run, specified, truth
from arrays import numbers
from guarded import GAP, LAYOUTS, dtype_of, place, seal
from truth import assert_near
from ways import WAYS, with_any_schedule

from fastconv._core import scratch

LAST = {"channels_last": True}

# (input, weight, their dtypes, keywords). "bias" and "residual" stand for arrays of that dtype.
CASES = (
    ((1, 19, 5, 7), (19, 17, 4, 4), "f4 f4", {"stride": 2, "padding": 1, "bias": "f4"}),
    ((2, 5, 7, 13), (5, 3, 3, 3), "f4 f4", {"stride": 2, "output_padding": 1, "residual": "f4"}),
    ((2, 7, 13, 5), (5, 33, 2, 2), "f8 f8", LAST | {"stride": (2, 3), "bias": "f8"}),
    ((1, 6, 5, 7), (6, 1, 3, 5), "f4 f4", {"stride": 2, "groups": 6, "residual": "f4"}),
    ((1, 6, 5, 7), (6, 5, 3, 2), "f2 f4", {"stride": 2, "groups": 2, "dilation": (3, 2)}),
    ((2, 37, 9), (37, 1, 41), "f4 f4", {"stride": 16, "padding": ((5, 9),), "bias": "f4"}),
    ((2, 9, 37), (37, 1, 64), "f4 f4", LAST | {"stride": 16, "padding": ((3, -2),)}),
    ((1, 7, 3, 4), (7, 1, 3, 9), "c8 f4", {"stride": (2, 4), "bias": "c8", "residual": "c8"}),
    ((1, 3, 4, 5), (3, 5, 2, 3), "u1 i1", {"stride": (5, 2), "dtype": "i2", "bias": "i2"}),
    ((1, 3, 2, 4, 5), (3, 5, 2, 3, 4), "i8 i8", {"stride": (1, 2, 3), "padding": 1}),
    ((1, 3, 7, 5), (3, 5, 3, 4), "f4 f4", {"padding": 3, "padding_mode": ("wrap", "edge"),
                                           "stride": 2, "bias": "f4", "residual": "f4"}),
    ((2, 5, 11, 3), (3, 7, 3, 3), "u1 u1", LAST | {"padding": 2, "padding_mode": "mirror"}),
)  # fmt: skip


def main(isa):
    """Run everything; returns how many calls there were."""
    random, calls = Random(isa), 0
    scratch.poison(True)
    for number, (src, wei, words, given) in enumerate(CASES):
        said = dict(given)
        kinds = {name: said.pop(name) for name in ("bias", "residual") if name in said}
        first, second = map(dtype_of, words.split())
        arrays = {"x": numbers(src, first, number), "w": numbers(wei, second, number)}
        problem = specified(*arrays.values(), **said)
        if "bias" in kinds:
            shape = (problem.groups * problem.c_out,)
            arrays["bias"] = numbers(shape, dtype_of(kinds["bias"]), number)
        if "residual" in kinds:
            kind = dtype_of(kinds["residual"])
            arrays["residual"] = numbers(problem.output_shape, kind, number)
        before = numbers(problem.output_shape, problem.dtype, number)
        expected = truth(**arrays, **said)
        for algorithm, orientation in WAYS:
            for layout in LAYOUTS:
                at_end, alone = bool(calls % 2), (None, "x", "w", "out", "residual")[calls % 5]
                print(isa, src, wei, said, algorithm, orientation, layout, alone, file=sys.stderr)
                placed = {}
                for name, values in arrays.items():
                    kind = layout if alone in (None, name) else "contiguous"
                    placed[name], base = place(values, kind, at_end)
                    seal(base)
                out, base = place(before, layout if alone in (None, "out") else "rows", at_end)
                how = {"isa": isa, "algorithm": algorithm, "threads": random.randint(1, 2)}
                with with_any_schedule(orientation, random):
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
