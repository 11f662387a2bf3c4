# SPDX-License-Identifier: BSD-3-Clause
"""Convolution of which some elements of the input do not count, as one checked value.

Those are the elements where a mask says so, and NaN. With m = 1 for elements that count, else 0:

    conv = sum(w m x) * sum(|w|) / sum(|w| m)

so what is left out is made up for by the others, in proportion to the weights. Where all elements
with a weight count, the quotient is 1; where none does, the result is NaN. Padding counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from . import reference
from .arguments import as_border_value, as_operand, check_dtype, check_mask
from .axis import Axis
from .borders import Border
from .conv import ConvParameters, ConvSpec, make_conv_spec
from .dtypes import choose, is_integer, native
from .epilogue import Epilogue
from .family import ArrayFamily, Result
from .operands import check_bias, check_out, check_residual, plain_bias
from .pooling import read_word


class MaskedParameters(NamedTuple):
    """What a user says of a convolution with a mask, beside its arrays."""

    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    groups: Any = 1
    padding_mode: Any = "constant"
    padding_value: Any = 0
    channels_last: Any = False
    flip: Any = False
    activation: Any = None
    alpha: Any = 1
    beta: Any = 0
    dtype: Any = None
    overflow: Any = "wrap"
    nan_policy: Any = "propagate"


@dataclass(frozen=True, slots=True)
class MaskedSpec:
    """A convolution of the elements that count."""

    conv: ConvSpec  # of the input with 0 for what does not count, and what comes after the quotient
    source: np.dtype  # of the input, in which it is convolved
    masked: bool  # an array says which elements count
    omit: bool  # NaN does not
    shared: bool  # the same elements count in all channels
    padding_counts: bool  # constant padding does

    @property
    def name(self) -> str:
        return self.conv.name

    @property
    def dtype(self) -> np.dtype:
        return self.conv.dtype

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.conv.output_shape

    @property
    def results(self) -> tuple[Result, ...]:
        return (Result(self.conv.output_shape, self.conv.dtype),)

    @property
    def flops(self) -> int:
        """Of both sums."""
        return self.conv.flops + self.weights_of(self.conv).flops

    @property
    def operand_words(self) -> str:
        """What a plan's first line says before the arrow."""
        return self.conv.operand_words

    def pack_words(self) -> str:
        """What is read, in words."""
        words = [f"input {self.source}"]
        words += ["channels last"] if self.conv.channels_last else []
        words += ["NaN left out"] if self.omit else []
        words += ["masked by where"] if self.masked else []
        return ", ".join(words)

    def epilogue_words(self) -> str:
        """What becomes of the sums, in words."""
        words = "divided by the share of the weights that count"
        return ", ".join(filter(None, (words, str(self.conv.epilogue))))

    def check_out(self, out: Any) -> None:
        """Raise unless `out` can take the result."""
        check_out(self.conv, out)

    def elements_of(self, conv: ConvSpec) -> ConvSpec:
        """sum(w m x), for `conv` or a part of its batch."""
        if not self.padding_counts:
            conv = _padded(conv, 0)
        return replace(conv, dtype=conv.sum_dtype, epilogue=Epilogue(), flipped=False)

    def weights_of(self, conv: ConvSpec) -> ConvSpec:
        """sum(|w| m), which is real. Where the mask is that of all channels, it has one, and the
        weights are added up."""
        real = _real(conv.sum_dtype)
        depth = conv.c_in * conv.taps
        conv = replace(
            _padded(conv, float(self.padding_counts)),
            apart=False,
            arithmetic=choose(real, real, None, depth)[0],
            dtype=real,
            epilogue=Epilogue(),
            flipped=False,
        )
        if self.shared:
            conv = replace(conv, groups=1, c_in=1, c_out=conv.groups * conv.c_out)
        return conv

    def sizes_of(self, weight: np.ndarray) -> np.ndarray:
        """|w| for `weights_of`, 0 of what is not finite: that adds nothing on zero padding, and
        elsewhere the sums of elements say what becomes of it. 1 of all weights of a filter, if none
        has a size: then its elements are counted."""
        with np.errstate(all="ignore"):
            sizes = np.abs(np.asarray(weight, self.conv.sum_dtype))
            sizes[~np.isfinite(sizes)] = 0
            sizes[~sizes.any(tuple(range(1, sizes.ndim)))] = 1
            return sizes.sum(1, keepdims=True) if self.shared else sizes

    @property
    def mask_shape(self) -> tuple[int, ...]:
        """That of the input; where the mask is that of all channels, with one."""
        conv = self.conv
        return replace(conv, groups=1, c_in=1).input_shape if self.shared else conv.input_shape

    def valid(self, input: np.ndarray, mask: np.ndarray | None) -> np.ndarray | None:
        """Which elements of some images count; None: all of them, and padding."""
        if self.omit:
            with np.errstate(invalid="ignore"):  # bfloat16 warns of NaN
                there = ~np.isnan(input)
            mask = there if mask is None else there & mask
        return None if mask is None or (self.padding_counts and mask.all()) else mask


def _real(dtype: np.dtype) -> np.dtype:
    return np.empty(0, dtype).real.dtype


def _padded(conv: ConvSpec, value: float) -> ConvSpec:
    """The same with another constant as padding."""
    border = Border.CONSTANT if value else Border.ZERO
    constant = (Border.ZERO, Border.CONSTANT)
    axes = (a._replace(border=border) if a.border in constant else a for a in conv.axes)
    return replace(conv, axes=tuple(axes), border_value=value)


def one_window(conv: ConvSpec) -> ConvSpec:
    """The convolution of an input of one window, all of which counts."""
    axes = (Axis(axis.span, axis.k, axis.stride, axis.dilation) for axis in conv.axes)
    return replace(conv, batched=True, batch=1, axes=tuple(axes), border_value=0)


def make_masked_spec(
    name: str,
    rank: int,
    arrays: tuple[tuple[tuple[int, ...], np.dtype] | None, ...],
    **said: Any,
) -> MaskedSpec:
    """The specification, from (shape, dtype) of its arrays and what the user said, the fields of
    `MaskedParameters`."""
    policy = read_word(name, "nan_policy", said.pop("nan_policy"), ("propagate", "omit"))
    said = ConvParameters(**said)
    input, weight, mask, bias, residual = arrays
    if weight is None:
        as_operand(name, "weight", None)
    shape, dtype = input
    check_dtype(name, "input", dtype)
    check_dtype(name, "weight", weight[1])
    source = native(dtype)
    if is_integer(source) and is_integer(weight[1]):
        source = np.dtype(np.float64)  # as quotients are
    omit = policy == "omit" and not is_integer(dtype)
    conv = make_conv_spec(
        name, rank, shape, source, *weight, **said._asdict(),
        bias=bias is not None, residual=residual is not None,
    )  # fmt: skip
    as_border_value(name, said.padding_value, dtype)  # one of the input as it is
    if bias is not None:
        check_bias(conv, np.broadcast_to(np.zeros((), bias[1]), bias[0]), conv.tile_dtype)
    if residual is not None:
        check_residual(conv, Result(*residual))
    channels = 1
    if mask is not None:
        check_mask(name, *mask, shape)
        place = 1 if conv.channels_last else rank + 1
        channels = mask[0][-place] if len(mask[0]) >= place else 1
    return MaskedSpec(
        conv=conv,
        source=source,
        masked=mask is not None,
        omit=omit,
        shared=not omit and channels == 1,
        padding_counts=not (omit and np.isnan(conv.border_value)),
    )


def convolve(
    spec: MaskedSpec,
    input: np.ndarray,
    weight: np.ndarray,
    where: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    residual: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """The slow truth, with weights as they are (not flipped): the formula."""
    conv = replace(spec.conv, flipped=False)
    mask = None if where is None else np.broadcast_to(where != 0, spec.mask_shape)
    valid = spec.valid(input, mask)
    wide, real = reference.wide(conv), np.dtype(np.float64)
    elements = input if valid is None else np.where(valid, input, np.zeros((), input.dtype))
    with np.errstate(all="ignore"):
        total = reference.sums(spec.elements_of(conv), elements, weight, wide)
        if valid is not None:
            part, sizes = spec.weights_of(conv), spec.sizes_of(weight)
            whole, channels = one_window(part), (conv.groups, conv.c_out)
            counted, most = (
                reference.sums(one, m, sizes, real).reshape(one.batch, *channels, *one.outputs)
                for one, m in ((part, valid), (whole, np.ones(whole.input_shape)))
            )
            total = reference.scaled(np.where(counted == most, 1, most / counted), total)
        if bias is not None:  # as the sums are: what is too large becomes inf
            bias = plain_bias(conv, check_bias(conv, bias, conv.tile_dtype))
        return reference.finished(conv, total, bias, residual, out, wide)


MASKED = ArrayFamily(
    spec=MaskedSpec,
    parameters=MaskedParameters,
    often=4,
    make_spec=make_masked_spec,
    inputs=("input", "weight", "where", "bias", "residual"),
)
