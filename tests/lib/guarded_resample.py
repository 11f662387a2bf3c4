# SPDX-License-Identifier: BSD-3-Clause
"""Interpolation and unpooling of arrays that touch protected pages: ``python guarded_resample.py
ISA``.

As guarded.py: a read or a write outside of the arrays is a segmentation fault.
"""

import sys

import numpy as np
from arrays import numbers
from guarded import GAP, LAYOUTS, dtype_of, place, seal
from resampled import MODES, UNPOOL

import fastconv
from fastconv import interpolate
from fastconv._core import scratch

SHAPES = (
    (1, 3, 67), (2, 5, 7), (1, 3, 7, 19), (2, 17, 5, 3), (1, 33, 3, 16), (1, 1, 1, 1),
    (1, 2, 3, 5, 31), (1, 19, 2, 3, 3),
)  # fmt: skip
SCALES = (2, 1.3, 0.6)


def calls_of(shape):
    """(function, keywords)."""
    rank = len(shape) - 2
    for mode in MODES[rank]:
        for scale in SCALES:
            size = [max(1, int(n * scale)) for n in shape[2:]]
            yield interpolate, {"size": size, "mode": mode}
            if mode in ("bilinear", "bicubic"):
                yield interpolate, {"size": size, "mode": mode, "antialias": True}
    for functions in UNPOOL.values():
        for kernel, stride in ((2, 2), (2, 3), (3, 2)):
            yield functions[rank - 1], {"kernel_size": kernel, "stride": stride, "padding": 0}


def main(isa):
    """Run everything; returns how many calls there were."""
    calls = 0
    scratch.poison(True)
    for shape in SHAPES:
        for function, said in calls_of(shape):
            for layout in LAYOUTS:
                kind = dtype_of(("f4", "f8", "u1", "f4", "c8", "i2", "c16")[calls % 7])
                at_end, alone = bool(calls // 2 % 2), (None, "x", "out")[calls % 3]
                last = bool(calls // 5 % 2)
                values = numbers(shape, kind)
                expected = function(values, algorithm="reference", **said)
                print(isa, shape, kind, said, layout, alone, last, file=sys.stderr)
                x, base = place(values, "contiguous" if alone == "out" else layout, at_end)
                seal(base)
                to = "contiguous" if alone == "x" else layout
                out, base = place(np.zeros_like(expected), to, at_end)
                given, seen = (np.moveaxis(a, 1, -1) if last else a for a in (x, out))
                with fastconv.settings(isa=isa):
                    function(given, channels_last=last, out=seen, threads=1 + calls % 2, **said)
                wide = np.complex128 if kind.kind == "c" else np.float64
                away = abs(out.astype(wide) - expected.astype(wide)).max(initial=0)
                assert away <= (1e-4 if kind.kind in "fc" else 1), away
                gap = np.array(GAP).astype(base.dtype)
                out[...] = gap
                assert (base == gap).all(), "wrote between the numbers of out"
                calls += 1
    return calls


if __name__ == "__main__":
    print(main(sys.argv[1]))
