# SPDX-License-Identifier: BSD-3-Clause
"""Convolutions of arrays that touch protected pages: ``python guarded.py ISA DTYPE``.

Input, weight, bias and out each end where a page begins that nobody may touch, or begin where
one ends; the operands lie in pages that may only be read. A read or a write outside is a
segmentation fault, so this is a program of its own, which `test_safety.py` starts. Every
algorithm and orientation is made to run, each time with another of its schedules.
"""

import ctypes
import mmap
import random
import sys

import numpy as np

import fastconv
from fastconv._core import scratch
from fastconv._plan.schedule import candidates

CONV = {1: fastconv.conv1d, 2: fastconv.conv2d, 3: fastconv.conv3d}
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
    """(view, base): the values in that layout, beside a protected page."""
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
CASES = (
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
)  # fmt: skip


class Chooser:
    """Makes one algorithm and orientation run, each time with another schedule."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.plan = sys.modules["fastconv._plan.plan"]  # the attribute of that name is the function
        self.call = sys.modules["fastconv._plan.execute"]
        self.rows = self.plan.ALGORITHMS

    def ways(self):
        return [(row, orientation) for row in self.rows for orientation in row.orientations]

    def choose(self, row, orientation):
        chooser = self

        class Chosen(type(row)):
            def best(self, work):
                work = work._replace(panels=self.panels)
                return chooser.random.choice(list(candidates(work, orientation)))

        values = {field: getattr(row, field) for field in row.__dataclass_fields__}
        self.plan.ALGORITHMS = (Chosen(**values),)
        self.call._plans.clear()


def numbers(shape, dtype, seed):
    dtype, rng = np.dtype(dtype), np.random.default_rng(seed)
    if dtype.kind in "iu":
        return rng.integers(0 if dtype.kind == "u" else -100, 100, shape).astype(dtype)
    if dtype.kind == "c":
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


BOUNDS = {"f2": 2e-3, "f4": 2e-5, "c8": 2e-5}


def run(isa, dtype, layouts=tuple(LAYOUTS), cases=CASES):
    """Run everything; returns how many calls and which (algorithm, orientation) were seen."""
    chooser = Chooser(f"{isa} {dtype}")
    calls, seen = 0, set()
    bound = BOUNDS.get(dtype, 1e-12)
    scratch.poison(True)
    for number, (src, wei, said) in enumerate(cases):
        conv = CONV[len(src) - 2]
        x, w = numbers(src, dtype, number), numbers(wei, dtype, number + 100)
        b = numbers(wei[:1], dtype, number + 200)
        wide = "c16" if dtype[0] == "c" else "f8"
        expected = conv(x, w, b, algorithm="reference", **said)
        for row, orientation in chooser.ways():
            for layout in layouts:
                # The operands share a layout, or only one of them has it.
                kinds = [[layout] * 3, [layout, "contiguous", "contiguous"],
                         ["contiguous", layout, "rows"]][calls % 3]  # fmt: skip
                for at_end in (True, False):
                    what = (isa, dtype, src, wei, said, row.name, orientation, kinds, at_end)
                    print(*what, file=sys.stderr)
                    (xs, x0), (ws, w0), (out, out0) = (
                        place(values, kind, at_end)
                        for values, kind in zip((x, w, expected * 0), kinds, strict=True)
                    )
                    bs, b0 = place(b, "contiguous", at_end)
                    for base in (x0, w0, b0):
                        seal(base)
                    chooser.choose(row, orientation)
                    given = {"algorithm": row.name, "threads": chooser.random.randint(1, 2), **said}
                    with fastconv.settings(isa=isa):
                        conv(xs, ws, bs, out=out, **given)
                        (plan,) = chooser.call._plans.values()
                        prepared = fastconv.prepare(ws, bs, **{"threads": 1, **said})(xs)
                    assert plan.orientation == orientation, what
                    seen.add((plan.algorithm, plan.orientation))
                    error = np.abs(out - expected.astype(wide)).max()
                    assert error < bound * np.abs(expected).max(), (what, error)
                    assert np.array_equal(prepared, out), what
                    out[...] = GAP
                    assert (out0 == GAP).all(), (what, "wrote between the numbers of out")
                    calls += 1
    return calls, seen


if __name__ == "__main__":
    done, ways = run(*sys.argv[1:3])
    print(done, sorted(ways))
