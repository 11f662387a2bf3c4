# SPDX-License-Identifier: BSD-3-Clause
"""What guarded.py does, for every dtype, layout, border and finish: ``python guarded_wide.py ISA``.

Input, weight, bias, residual and out touch protected pages.
"""

import sys

import numpy as np
from guarded import CONV, GAP, LAYOUTS, Chooser, place, seal
from kinds import BF16, assert_near, numbers, specified, truth

import fastconv
from fastconv._core import scratch

# (input, weight, their dtypes, keywords). "bias" and "residual" stand for arrays of that dtype;
# "same": the residual is the output.
LAST = {"channels_last": True}
BYTES = {"dtype": "u1", "overflow": "saturate"}
CASES = (
    # Channels last: whole vectors of them, tails, depthwise.
    ((2, 7, 11, 5), (19, 5, 3, 2), "f4 f4", LAST),
    ((1, 5, 7, 17), (35, 17, 3, 3), "f4 f4", LAST | {"padding": 1, "bias": "f4"}),
    ((1, 5, 7, 6), (6, 1, 3, 3), "f8 f8", LAST | {"groups": 6, "padding": 1, "residual": "f8"}),
    ((2, 3, 5, 3), (33, 3, 1, 1), "f2 f2", LAST | {"stride": 2, "residual": "same"}),
    ((1, 3, 4, 5, 3), (7, 3, 2, 2, 3), "u1 i1", LAST | {"padding": 1, "bias": "i1"}),
    # Borders: less than a length beyond, several, cropped on the other side.
    ((2, 3, 7, 13), (5, 3, 3, 3), "f4 f4", {"padding": 1, "padding_mode": "edge"}),
    ((1, 3, 5, 7), (17, 3, 3, 2), "f4 f4", {"padding": ((9, 4), (2, 23)), "padding_mode": "wrap"}),
    ((1, 2, 5, 9), (3, 2, 2, 3), "f2 f4", {"padding": ((-2, 7), (11, -3)),
                                           "padding_mode": "mirror", "stride": (1, 2)}),
    ((2, 5, 31), (4, 5, 7), "f8 f4", {"padding": 70, "padding_mode": "symmetric", "dilation": 3}),
    ((1, 3, 5, 7), (9, 3, 3, 3), "u1 u1", {"padding": 2, "padding_value": 255}),
    ((1, 5, 7, 3), (9, 3, 3, 3), "i2 i1", LAST | {"padding": (9, 1), "bias": "i2",
                                                  "padding_mode": ("wrap", "edge")}),
    # Every kind of number, with one of few bytes at the end.
    ((1, 3, 9, 11), (5, 3, 3, 3), "f2 f2", {"padding": 1, "bias": "f4"}),
    ((3, 7, 5), (13, 7, 3), "bf16 bf16", {"residual": "bf16", "activation": "gelu"}),
    ((1, 3, 9, 11), (18, 3, 3, 3), "u1 u1", {"bias": "i4"} | BYTES),
    ((1, 13, 5, 7), (5, 13, 1, 1), "i1 i1", {"residual": "i1", "activation": "relu"}),
    ((1, 3, 67), (2, 3, 5), "u2 i4", {"dtype": "i2"}),
    ((1, 3, 4, 5), (5, 3, 2, 3), "i8 u8", {"residual": "same"}),
    ((1, 3, 5, 37), (5, 3, 3, 3), "f4 f4", {"bias": "f4", "activation": "silu"} | BYTES),
    ((1, 3, 5, 37), (5, 3, 3, 3), "f8 f8", {"dtype": "f2", "alpha": 0.5, "beta": 2}),
    ((1, 3, 5, 7), (5, 3, 3, 3), "c8 c8", {"padding": 1, "bias": "c8", "residual": "c8"}),
    ((2, 5, 7, 3), (17, 3, 3, 3), "c16 f8", LAST | {"padding": 2, "padding_value": 1 - 1j}),
    # Sums of both parts in the output; a residual whose channels are apart.
    ((1, 13, 17, 1), (3, 1, 1, 1), "c8 c8", LAST | {"residual": "c8"}),
    ((1, 11, 19, 1), (3, 1, 1, 1), "f4 f4", LAST | {"residual": "same", "dtype": "c8"}),
    ((1, 4, 23), (6, 2, 5), "f4 c8", {"groups": 2, "residual": "same", "beta": 2, "padding": 3}),
)  # fmt: skip


def dtype_of(word):
    return BF16 if word == "bf16" else np.dtype(word)


def laid_out(values, layout, at_end, name):
    """As `place`, in a layout that goes together with what it is."""
    if values.ndim == 1 or (values.dtype == BF16 and layout == "swapped"):
        layout = "contiguous"
    if layout == "channels last" and name == "weight":
        layout = "turned"
    return place(values, layout, at_end)


def run(isa, layouts=tuple(LAYOUTS)):
    """Run everything; returns how many calls and which (algorithm, orientation) were seen."""
    chooser = Chooser(isa)
    calls, seen = 0, set()
    scratch.poison(True)
    for number, (src, wei, words, said) in enumerate(CASES):
        said = dict(said)
        kinds = {name: said.pop(name) for name in ("bias", "residual") if name in said}
        first, second = map(dtype_of, words.split())
        arrays = {"input": numbers(src, first, number), "weight": numbers(wei, second, number)}
        problem = specified(*arrays.values(), **said)
        before = numbers(problem.output_shape, problem.dtype, number)
        if "bias" in kinds:
            arrays["bias"] = numbers(wei[:1], dtype_of(kinds["bias"]), number)
        in_place = kinds.get("residual") == "same"
        if "residual" in kinds and not in_place:
            arrays["residual"] = numbers(before.shape, dtype_of(kinds["residual"]), number)
        x, w, b, r = map(arrays.get, ("input", "weight", "bias", "residual"))
        problem = specified(x, w, b, before if in_place else r, **said)
        expected = truth(x, w, b, before if in_place else r, before, **said)
        for row, orientation in chooser.ways():
            for layout in layouts:
                for at_end in (True, False):
                    what = (isa, src, wei, words, said, kinds, row.name, orientation, layout)
                    print(*what, at_end, file=sys.stderr)
                    # All share a layout, or only one of them has it.
                    alone = [None, "input", "weight", "out", "residual"][calls % 5]
                    given = {}
                    for name, values in arrays.items():
                        kind = layout if alone in (None, name) else "contiguous"
                        given[name], base = laid_out(values, kind, at_end, name)
                        seal(base)
                    kind = layout if alone in (None, "out") else "contiguous"
                    out, base = laid_out(before, kind, at_end, "out")
                    if in_place:
                        given["residual"] = out
                    chooser.choose(row, orientation)
                    how = {"algorithm": row.name, "threads": chooser.random.randint(1, 2), **said}
                    with fastconv.settings(isa=isa):
                        CONV[len(wei) - 2](**given, out=out, **how)
                        (plan,) = chooser.call._plans.values()
                        assert_near(out, problem, *expected)
                        assert (plan.algorithm, plan.orientation) == (row.name, orientation), what
                        seen.add((plan.algorithm, plan.orientation))
                        bits = out.copy()
                        out[...] = before
                        layer = fastconv.prepare(given["weight"], given.get("bias"), **how)
                        layer(given["input"], out=out, residual=given.get("residual"))
                    np.testing.assert_array_equal(bits, out)
                    gap = np.array(GAP).astype(base.dtype)
                    out[...] = gap
                    assert (base == gap).all(), (what, "wrote between the numbers of out")
                    calls += 1
    return calls, seen


if __name__ == "__main__":
    done, ways = run(sys.argv[1])
    print(done, sorted(ways))
