# SPDX-License-Identifier: BSD-3-Clause
"""What belongs to a dtype."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Kind(NamedTuple):
    """What belongs to a dtype of the input."""

    short: str  # in the name of a case
    weight: str  # dtype of weight, bias and residual
    result: str  # dtype of the result
    exact: str  # dtype of the truth
    tolerance: float  # largest error accepted, relative to the largest true output
    peak: str  # dtype whose FMA peak bounds the speed
    plain: str  # dtype that the same shape is compared in
    words: Mapping[str, str] = MappingProxyType({})  # keywords of fastconv that it needs


# float32: well above its rounding at K = 4608 (about 5e-6) and well below what bfloat16 or TF32
# arithmetic leaves (2e-4 and more). float16: two roundings of the result, no sums in it.
# uint8: filters of a photograph, rounded and saturated, see `operands`.
KINDS = {
    "float32": Kind("", "float32", "float32", "float64", 2e-5, "float32", "float32"),
    "float64": Kind("f64", "float64", "float64", "float64", 1e-12, "float64", "float64"),
    "float16": Kind("f16", "float16", "float16", "float64", 1e-3, "float32", "float32"),
    "complex64": Kind("c64", "complex64", "complex64", "complex128", 2e-5, "float32", "float32"),
    "int8": Kind("i8", "int8", "int32", "int64", 0, "float32", "float64"),
    "int16": Kind("i16", "int16", "int64", "int64", 0, "float64", "float64"),
    "int32": Kind("i32", "int32", "int64", "int64", 0, "float64", "float64"),
    "int64": Kind("i64", "int64", "int64", "int64", 0, "float64", "float64"),
    "uint8": Kind("u8", "float32", "uint8", "float64", 0, "float32", "float32",
                  {"dtype": "uint8", "overflow": "saturate"}),
}  # fmt: skip
