# SPDX-License-Identifier: BSD-3-Clause
"""One convolution that is timed: what it is, what of it is special, and how it is named."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["ACTIVATIONS", "BORDERS", "KINDS", "Case", "Kind", "conv", "variant"]

# Border modes as `numpy.pad` calls them.
BORDERS = {
    "constant": "constant",
    "edge": "edge",
    "wrap": "wrap",
    "mirror": "reflect",
    "symmetric": "symmetric",
}
ACTIVATIONS = ("relu", "gelu", "silu", "sigmoid", "tanh", "hardswish")


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


@dataclass(frozen=True, slots=True)
class Case:
    """One convolution: input, OIHW weight, a bias, `padding` cells on both sides of each axis.

    `finish` are the words "residual" and one of `ACTIVATIONS`, or one of them, or none.
    """

    name: str
    rank: int
    batch: int
    c_in: int
    c_out: int
    spatial: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    dtype: str
    channels_last: bool = False
    padding_mode: str = "constant"
    finish: str = ""

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.batch, self.c_in, *self.spatial)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.c_out, self.c_in // self.groups, *self.kernel)

    @property
    def output_spatial(self) -> tuple[int, ...]:
        axes = zip(self.spatial, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes)

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (self.batch, self.c_out, *self.output_spatial)

    @property
    def kind(self) -> Kind:
        return KINDS[self.dtype]

    @property
    def flops(self) -> int:
        """Nominal: two per multiply-add (complex: eight), taps on padding included."""
        each = 8 if self.kind.exact == "complex128" else 2
        return each * math.prod(self.output_shape) * math.prod(self.weight_shape[1:])

    @property
    def channels(self) -> int:
        """The smaller channel number of one group."""
        return min(self.c_in, self.c_out) // self.groups

    @property
    def pointwise(self) -> bool:
        return math.prod(self.kernel) == 1

    @property
    def residual(self) -> bool:
        return "residual" in self.finish.split()

    @property
    def activation(self) -> str | None:
        return next((word for word in self.finish.split() if word in ACTIVATIONS), None)

    @property
    def features(self) -> frozenset[str]:
        """What a library must offer beyond zero padding and a bias in float32 and float64."""
        words = {*self.finish.split(), self.padding_mode, self.dtype}
        words |= {"channels_last"} if self.channels_last else set()
        return frozenset(words - {"constant", "float32", "float64"})

    @property
    def plain(self) -> Case:
        """The same shape without any of them."""
        bare = {"channels_last": False, "padding_mode": "constant", "finish": ""}
        return dataclasses.replace(self, name=f"{self.name}, plain", dtype=self.kind.plain, **bare)

    @property
    def params(self) -> dict:
        """The keywords of `fastconv.conv2d` and of `torch.nn.functional.conv2d`."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    @property
    def extra(self) -> dict:
        """The further keywords of `fastconv.conv2d`, but `residual`."""
        words = {"channels_last": True} if self.channels_last else {}
        if self.padding_mode != "constant":
            words["padding_mode"] = self.padding_mode
        if self.activation:
            words["activation"] = self.activation
        return {**words, **self.kind.words}

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: dict) -> Case:
        """Undo `to_dict`, also after JSON has made lists of the tuples."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})


def conv(
    c_in: int,
    spatial: int | Sequence[int],
    c_out: int,
    kernel: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | None = None,
    dilation: int | Sequence[int] = 1,
    batch: int = 1,
    groups: int = 1,
    **features: str | bool,
) -> Case:
    """A case named by its shape and `features`, fields of `Case`.

    Padding defaults to the one that keeps an odd kernel centred.
    """
    rank = len(kernel)

    def axes(value: int | Sequence[int]) -> tuple[int, ...]:
        return (value,) * rank if isinstance(value, int) else tuple(value)

    spatial, stride, dilation = axes(spatial), axes(stride), axes(dilation)
    if padding is None:
        padding = [d * (k // 2) if k % 2 else 0 for k, d in zip(kernel, dilation, strict=True)]

    def sizes(values: tuple[int, ...]) -> str:
        return "x".join(map(str, values))

    square = rank == 2 and len(set(spatial)) == 1
    name = f"{c_in}@{spatial[0] if square else sizes(spatial)}->{c_out} "
    name += f"k{kernel[0]}" if rank == 1 else sizes(tuple(kernel))
    if set(stride) != {1}:
        name += f"s{stride[0]}" if len(set(stride)) == 1 else f" s{sizes(stride)}"
    if set(dilation) != {1}:
        name += f" d{dilation[0]}" if len(set(dilation)) == 1 else f" d{sizes(dilation)}"
    name += f" g{groups}" * (groups > 1) + f" N{batch}" * (batch > 1)
    plain = Case(
        name, rank, batch, c_in, c_out, spatial, tuple(kernel), stride, axes(padding), dilation,
        groups, "float32",
    )  # fmt: skip
    return variant(plain, **features)


def variant(case: Case, **features: str | bool) -> Case:
    """A plain case with other fields, which its name tells: "64@56->64 3x3 NHWC"."""
    made = dataclasses.replace(case, **features)
    words = [case.name, made.kind.short]
    words += [("NLC", "NHWC", "NDHWC")[made.rank - 1]] if made.channels_last else []
    words += [made.padding_mode] if made.padding_mode != "constant" else []
    words += [f"+{made.finish}"] if made.finish else []
    return dataclasses.replace(made, name=" ".join(filter(None, words)))
