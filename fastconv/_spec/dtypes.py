# SPDX-License-Identifier: BSD-3-Clause
"""dtypes: which go in, what is computed in, what comes out.

    input x weight                  tile      sums      output, unless `dtype` says
    float16, bfloat16, float32      float32   float32   NumPy's promotion of both
    float64                         float64   float64   float64
    complex64 (complex128)          its real numbers    complex64 (complex128)
    bool, 8-bit integers            float32   int32     int32
    the same, K large               float64   int64     int64
    up to 16 bits; 32 times 8       float64   int64     int64
    other integers                  int64     int64     int64   (small numbers: as above)

Integers are exact: a block of k is summed in floating point only where no such sum can be rounded
(below 2**24 in float32, 2**51 in float64), and the blocks are added as integers. An integer with a
number of floating point is promoted as NumPy promotes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

NATIVE = "<" if sys.byteorder == "little" else ">"

EXACT_F32, EXACT_F64 = 2**24, 2**51  # whole numbers below, sums and conversions are exact
INT32_MOST = 2**31 - 1

# Numbers of k that one chain of multiply-adds sums before its block is added to the others.
# It bounds the rounding error and fixes the bits of every result: changing it changes results.
BLOCK_K = 256
LOCAL_BLOCK = 2048  # the same for the chain of each lane together, in dot products along k

# How numbers are stored, by kind and bytes of the dtype; of complex ones each part.
STORED = {
    ("b", 1): "U8", ("u", 1): "U8", ("i", 1): "I8", ("u", 2): "U16", ("i", 2): "I16",
    ("u", 4): "U32", ("i", 4): "I32", ("u", 8): "U64", ("i", 8): "I64",
    ("f", 2): "F16", ("f", 4): "F32", ("f", 8): "F64", ("c", 8): "F32", ("c", 16): "F64",
}  # fmt: skip


def is_bfloat16(dtype: np.dtype) -> bool:
    """Whether it is the bfloat16 of ml_dtypes, which need not be there."""
    return dtype.kind == "V" and dtype.name == "bfloat16"


def find_dtype(value: Any) -> np.dtype:
    """The dtype that `value` says; "bfloat16" is that of ml_dtypes, which is imported for it."""
    if isinstance(value, str) and value == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(value)


def is_known(dtype: np.dtype) -> bool:
    """Whether arrays of this dtype are read and written."""
    return (dtype.kind, dtype.itemsize) in STORED or is_bfloat16(dtype)


def common(dtypes: Iterable[np.dtype]) -> np.dtype:
    """The dtype to which NumPy promotes several. bfloat16 is promoted last: its order among others
    would decide whether there is one at all. Raises TypeError if there is none."""
    dtypes = set(dtypes)
    narrow = {dtype for dtype in dtypes if is_bfloat16(dtype)}
    plain = [np.result_type(*dtypes - narrow)] if dtypes - narrow else []
    return np.result_type(*plain, *narrow)


def native(dtype: np.dtype) -> np.dtype:
    """The dtype in this machine's byte order: NumPy's own object, where there is one."""
    here = dtype.newbyteorder("=")
    return here if is_bfloat16(dtype) else np.dtype(here.str)


def components(dtype: np.dtype) -> int:
    """Real numbers of an element."""
    return 2 if dtype.kind == "c" else 1


def is_integer(dtype: np.dtype) -> bool:
    return dtype.kind in "biu"


# The dtypes of tiles and sums, by their characters.
TOTALS = {"f": np.dtype("f4"), "d": np.dtype("f8"), "i": np.dtype("i4"), "q": np.dtype("i8")}
TILES = TOTALS | {"l": np.dtype("i8")}  # "l": of numbers that 32 bits would hold


class Arithmetic(NamedTuple):
    """What tiles multiply in, and what their sums are: characters of dtypes."""

    tile: str  # "f", "d", "q" or "l"
    total: str  # "f", "d", "i" or "q"

    @property
    def integer(self) -> bool:
        """Integers, exact."""
        return self.total in "iq"


SMALL = Arithmetic("d", "q")  # of integers whose sums, a block of k at a time, float64 holds


def choose(
    source: np.dtype, weight: np.dtype, wanted: np.dtype | None, depth: int
) -> tuple[Arithmetic, np.dtype] | None:
    """The arithmetic for sums of `depth` products, and the dtype of the output; None: no dtype
    known here holds both."""
    if is_integer(source) and is_integer(weight) and (wanted is None or is_integer(wanted)):
        arithmetic = _exact(source, weight, depth)
        return arithmetic, TOTALS[arithmetic.total] if wanted is None else wanted
    try:
        common = np.result_type(source, weight)
        if wanted is not None and not is_integer(wanted):
            common = np.result_type(common, wanted)
    except TypeError:
        return None
    if not is_known(common) or is_integer(common):
        return None
    wide = common.itemsize // components(common) == 8
    output = common if wanted is None else wanted
    return Arithmetic("d", "d") if wide else Arithmetic("f", "f"), native(output)


def _exact(source: np.dtype, weight: np.dtype, depth: int) -> Arithmetic:
    product = most(source) * most(weight)
    block = product * min(depth, BLOCK_K)
    small = source.itemsize == weight.itemsize == 1
    if small and block <= EXACT_F32 and product * depth <= INT32_MOST:
        return Arithmetic("f", "i")
    if block < EXACT_F64:
        return SMALL
    return Arithmetic("l" if _in_int32(source) and _in_int32(weight) else "q", "q")


def _in_int32(dtype: np.dtype) -> bool:
    return np.can_cast(dtype, np.int32)


def most(dtype: np.dtype) -> int:
    """The largest magnitude."""
    if dtype.kind == "b":
        return 1
    limits = np.iinfo(dtype)
    return max(-int(limits.min), int(limits.max))


def saturated(sums: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Real numbers as integers: halves to even, NaN as 0, and what is too large as the largest,
    which floating point may not hold."""
    limits, whole = np.iinfo(dtype), np.rint(np.where(np.isnan(sums), 0, sums))
    low, high = whole <= limits.min, whole >= limits.max
    inside = np.where(low | high, 0, whole).astype(dtype)
    return np.where(low, limits.min, np.where(high, limits.max, inside)).astype(dtype)
