# SPDX-License-Identifier: BSD-3-Clause
"""Convolutions of arrays that touch protected pages: ``python guarded.py ISA [DTYPE]``.

Input, weight, bias, residual and out each end where a page begins that nobody may touch, or begin
where one ends; the operands lie in pages that may only be read. A read or a write outside is a
segmentation fault, so this is a program of its own, which `test_safety.py` starts. Every algorithm
and orientation is made to run, each time with another of its schedules. With a dtype, all arrays of
PLAIN have it; without one, WIDE has many dtypes, layouts, borders and epilogues.
"""

import ctypes
import mmap
import sys
from random import Random

import numpy as np
from arrays import BF16, numbers
from truth import assert_near, specified, truth
from ways import CONV, DEPTHWISE, GROUPED, WAYS, with_any_schedule

import fastconv
from fastconv._core import scratch
from fastconv._plan import depthwise, grouped
from fastconv._plan.kept import kept

PAGE = mmap.PAGESIZE
GAP = 7.0  # what lies between the numbers of an out with steps

libc = ctypes.CDLL(None, use_errno=True)
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

# ---- arrays between protected pages ------------------------------------------------------------


def protect(address, size, protection):
    if libc.mprotect(address, size, protection):
        raise OSError(ctypes.get_errno(), "mprotect")


def between_pages(shape, dtype, at_end, shift=0):
    """An array of zeros that ends, or begins, `shift` bytes from a protected page."""
    count = int(np.prod(shape))
    size = count * np.dtype(dtype).itemsize + shift
    pages = max(1, -(-size // PAGE))
    memory = mmap.mmap(-1, (pages + 2) * PAGE)
    address = np.frombuffer(memory, np.uint8).ctypes.data
    protect(address, PAGE, 0)
    protect(address + (pages + 1) * PAGE, PAGE, 0)
    offset = PAGE + (pages * PAGE - size if at_end else shift)
    return np.frombuffer(memory, dtype, count, offset).reshape(shape)


def seal(base):
    """From now on the pages of the array may only be read."""
    first = base.ctypes.data // PAGE * PAGE
    protect(first, max(1, -(-(base.ctypes.data + base.nbytes - first) // PAGE)) * PAGE,
            mmap.PROT_READ)  # fmt: skip


def stepped(shape):
    return (*shape[:-1], 2 * shape[-1] - 1)


def last_axis_second(array):
    return np.moveaxis(array, -1, 1)


# Layout: (shape of the memory, the view of it, swapped bytes, shift).
LAYOUTS = {
    "contiguous": (tuple, lambda base: base, False, 0),
    "steps": (stepped, lambda base: base[..., ::2], False, 0),
    "rows": (lambda s: (*s[:-1], s[-1] + 1), lambda base: base[..., 1:], False, 0),
    "backwards": (tuple, lambda base: np.flip(base), False, 0),
    "channels last": (lambda s: (s[0], *s[2:], s[1]), last_axis_second, False, 0),
    "turned": (lambda s: s[::-1], lambda base: base.T, False, 0),
    "swapped": (tuple, lambda base: base, True, 0),
    "misaligned": (tuple, lambda base: base, False, 1),
}


def place(values, layout, at_end):
    """(view, base): the values in that layout, beside a protected page; a vector has but one
    layout, and NumPy has no swapped bfloat16."""
    if values.ndim == 1 or (values.dtype == BF16 and layout == "swapped"):
        layout = "contiguous"
    shape_of, view_of, swapped, shift = LAYOUTS[layout]
    dtype = values.dtype.newbyteorder("S") if swapped else values.dtype
    base = between_pages(shape_of(values.shape), dtype, at_end, shift)
    base[...] = GAP
    view = view_of(base)
    assert view.shape == values.shape
    view[...] = values
    return view, base


# ---- what runs ---------------------------------------------------------------------------------

# (input, weight, keywords): tails of every length, taps in place, padding, steps, small outputs.
PLAIN = (
    ((1, 3, 9, 11), (5, 3, 3, 3), {}),
    ((2, 3, 8, 13), (17, 3, 3, 2), {"padding": 1}),
    ((1, 7, 1, 1), (19, 7, 1, 1), {}),
    ((1, 5, 5, 7), (33, 5, 1, 1), {}),
    ((1, 6, 6, 6), (15, 6, 1, 1), {"stride": 2}),
    ((2, 4, 3, 3), (37, 4, 3, 3), {"padding": 1}),
    ((1, 6, 11, 17), (8, 3, 3, 5), {"groups": 2, "padding": (1, 2), "dilation": (2, 1)}),
    ((1, 2, 13, 15), (3, 2, 5, 5), {"stride": (2, 3), "padding": ((3, 1), (0, 4))}),
    ((1, 1, 7, 70), (1, 1, 3, 3), {}),
    ((1, 70, 4, 4), (14, 70, 2, 2), {}),
    ((3, 5, 5, 9), (4, 5, 2, 2), {"padding": (-1, 0)}),
    ((1, 3, 131), (13, 3, 9), {}),
    ((2, 5, 67), (4, 5, 2), {"dilation": 16}),
    ((1, 40, 33), (6, 40, 1), {}),
    ((1, 3, 41), (29, 3, 3), {"stride": 2, "padding": "same"}),
    ((1, 2, 4, 5, 6), (5, 2, 3, 3, 3), {"padding": 1}),
    ((1, 3, 3, 7, 7), (6, 3, 2, 2, 2), {"stride": (1, 2, 2)}),
    ((1, 1, 20, 21), (2, 1, 17, 18), {}),
    # Padding that pieces leave out, in place: at one end of a tile, at both, in every second pixel.
    ((2, 6, 9, 23), (18, 6, 3, 3), {"padding": 1, "stride": 2}),
    ((1, 5, 7, 29), (21, 5, 5, 7), {"padding": (2, 3)}),
    ((1, 7, 5, 31), (9, 7, 1, 5), {"padding": (0, 4), "stride": (1, 2)}),
    ((1, 4, 3, 3), (23, 4, 5, 5), {"padding": 3}),
    ((1, 3, 37), (35, 3, 7), {"padding": 3, "stride": 2}),
    ((1, 2, 5, 7, 13), (19, 2, 3, 3, 3), {"padding": 1, "stride": (1, 2, 2)}),
    # Rows that follow one another in several images or planes.
    ((2, 1, 7), (32, 1, 3), {"padding": 1}),
    ((1, 8, 6, 1, 40), (32, 8, 1, 1, 3), {"padding": (0, 0, 1)}),
    ((3, 1, 1, 18), (32, 1, 1, 3), {"padding": (0, 1), "stride": (1, 2)}),
    # Borders that are read.
    ((2, 3, 8, 13), (17, 3, 3, 3), {"padding": (2, 3), "padding_mode": "edge"}),
    ((1, 5, 3, 2), (4, 5, 3, 3), {"padding": 7, "padding_mode": ("wrap", "mirror"), "stride": 2}),
    ((1, 2, 5, 19), (3, 2, 2, 5), {"padding": 4, "padding_mode": "symmetric", "dilation": 2}),
    ((1, 4, 23), (33, 4, 5), {"padding": 3, "padding_value": 3}),
    # Depthwise: one plane and several, masked columns, every second one, rows that share.
    ((1, 3, 17, 37), (3, 1, 3, 3), {"groups": 3, "padding": 1}),
    ((2, 19, 9, 35), (19, 1, 5, 5), {"groups": 19, "padding": (2, 3), "stride": 2}),
    ((1, 2, 23, 71), (6, 1, 3, 3), {"groups": 2, "padding": 4, "dilation": 4}),
    ((1, 17, 7, 7), (17, 1, 7, 7), {"groups": 17, "padding": 3}),
    ((1, 2, 131), (2, 1, 4), {"groups": 2, "padding": ((3, 0),), "stride": 2}),
    ((1, 3, 5, 6, 19), (3, 1, 3, 3, 3), {"groups": 3, "padding": 1}),
    ((1, 1, 29, 33), (1, 1, 17, 18), {"padding": 8}),
    ((2, 5, 7, 131), (5, 1, 3, 3), {"groups": 5, "padding": ((2, 1), (-17, 5)),
                                    "padding_mode": "edge"}),
)  # fmt: skip

# (input, weight, their dtypes, keywords). "bias" and "residual" stand for arrays of that dtype;
# "same": the residual is the output.
LAST = {"channels_last": True}
BYTES = {"dtype": "u1", "overflow": "saturate"}
WIDE = (
    # Channels last: whole vectors of them, tails, depthwise.
    ((2, 7, 11, 5), (19, 5, 3, 2), "f4 f4", LAST),
    ((1, 5, 7, 17), (35, 17, 3, 3), "f4 f4", LAST | {"padding": 1, "bias": "f4"}),
    ((1, 5, 7, 6), (6, 1, 3, 3), "f8 f8", LAST | {"groups": 6, "padding": 1, "residual": "f8"}),
    ((2, 3, 5, 3), (33, 3, 1, 1), "f2 f2", LAST | {"stride": 2, "residual": "same"}),
    ((1, 3, 4, 5, 3), (7, 3, 2, 2, 3), "u1 i1", LAST | {"padding": 1, "bias": "i1"}),
    ((2, 7, 11, 19), (19, 1, 3, 3), "f4 f4", LAST | {"groups": 19, "padding": 1, "bias": "f4"}),
    ((1, 9, 7, 16), (16, 1, 5, 5), "f8 f4", LAST | {"groups": 16, "padding": 2, "stride": 2}),
    ((1, 8, 9, 18), (18, 1, 3, 3), "f4 f4", LAST | {"groups": 18, "padding": 2, "dilation": 2,
                                                    "padding_mode": "mirror"}),
    ((1, 6, 5, 17), (17, 1, 3, 3), "u1 u1", LAST | {"groups": 17, "padding": 1} | BYTES),
    ((1, 4, 5, 6, 9), (9, 1, 2, 3, 2), "f4 f4", LAST | {"groups": 9, "residual": "same"}),
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


def run(isa, cases):
    """Run everything; returns how many calls and which (algorithm, orientation) were seen."""
    random = Random(f"{isa} {cases[0]}")
    calls, seen = 0, set()
    scratch.poison(True)
    for number, (src, wei, words, said) in enumerate(cases):
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
        # All share a layout, or only one of them has it.
        turns = (None, "input", "weight", "out", "residual" if "residual" in arrays else None)
        ways = DEPTHWISE if depthwise.refuses(problem) is None else WAYS
        for algorithm, orientation in ways + GROUPED * (grouped.refuses(problem, isa) is None):
            for layout in LAYOUTS:
                for at_end in (True, False):
                    what = (isa, src, wei, words, said, kinds, algorithm, orientation, layout)
                    print(*what, at_end, file=sys.stderr)
                    alone = turns[calls % 5]
                    given = {}
                    for name, values in arrays.items():
                        kind = layout if alone in (None, name) else "contiguous"
                        given[name], base = place(values, kind, at_end)
                        seal(base)
                    kind = {None: layout, "out": layout, "weight": "rows"}.get(alone, "contiguous")
                    out, base = place(before, kind, at_end)
                    if in_place:
                        given["residual"] = out
                    how = {"algorithm": algorithm, "threads": random.randint(1, 2), **said}
                    with fastconv.settings(isa=isa), with_any_schedule(orientation, random):
                        CONV[len(wei) - 2](**given, out=out, **how)
                        (plan,) = kept()
                        assert_near(out, problem, *expected)
                        assert plan.algorithm == algorithm, what
                        # Channels in vectors of depthwise have to lie side by side.
                        assert algorithm == "depthwise" or plan.orientation == orientation, what
                        seen.add((plan.algorithm, plan.orientation))
                        bits = out.copy()
                        out[...] = before
                        layer = fastconv.prepare(given["weight"], given.get("bias"), **how)
                        more = {"out": out, "residual": given.get("residual"), "threads": 1}
                        layer(given["input"], **more)
                    np.testing.assert_array_equal(bits, out)
                    gap = np.array(GAP).astype(base.dtype)
                    out[...] = gap
                    assert (base == gap).all(), (what, "wrote between the numbers of out")
                    calls += 1
    return calls, seen


if __name__ == "__main__":
    isa, *dtypes = sys.argv[1:]
    plain = [(x, w, f"{d} {d}", said | {"bias": d}) for d in dtypes for x, w, said in PLAIN]
    done, ways = run(isa, plain or WIDE)
    print(done, sorted(ways))
