# SPDX-License-Identifier: BSD-3-Clause
"""Separable filters: one 1-D kernel for each axis, whose outer product is the kernel.

image       (H, W, ...)       as input   (H, W, C), channels last, without a batch
kernels_1d  [(kH), (kW)]      as weight  (kH + kW), one behind the other
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import reduce
from math import prod
from typing import Any, NamedTuple

import numpy as np

from . import reference
from .arguments import as_array, as_flag, check_dtype
from .axis import Axis
from .borders import Border
from .conv import ConvParameters, ConvSpec, least_input, make_conv_spec
from .dtypes import BLOCK_K, INT32_MOST, Arithmetic, common, components, most
from .epilogue import Epilogue
from .family import Family
from .filter import (
    Views,
    bias_per_channel,
    channels_of,
    merged,
    merged_or_refused,
    result_dtype,
)
from .operands import check_out, check_residual
from .spec import Spec, make_arithmetic
from .values import BYTES_MAX, a_kind, as_integer, entries_of, is_flat, is_sequence, plain, show


class SeparableParameters(NamedTuple):
    """What a user says of a separable filter, beside its arrays and how to run it; and how many
    taps each kernel has."""

    stride: Any = 1
    padding: Any = "same"
    dilation: Any = 1
    padding_mode: Any = "mirror"
    padding_value: Any = 0
    flip: Any = False
    activation: Any = None
    alpha: Any = 1
    beta: Any = 0
    dtype: Any = None
    overflow: Any = "saturate"
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class SeparableSpec(Spec):
    """A separable filter. Its sums of integers are int64."""

    border_value: Any  # of Border.CONSTANT
    sizes: tuple[int, ...]  # taps of each kernel; 0: the axis is not filtered
    dtypes: tuple[np.dtype, np.dtype]  # of the image and of the kernels
    channel_shape: tuple[int, ...]  # of the axes behind the spatial ones; () has one channel

    @property
    def outputs(self) -> tuple[int, int, int]:
        """Output positions of each axis."""
        return tuple(axis.outputs for axis in self.axes)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (*(axis.n for axis in self.user_axes), *self.channel_shape)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (sum(self.sizes),)

    @property
    def weight_words(self) -> str:
        return " + ".join(str(size or "none") for size in self.sizes)

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (*self.outputs[3 - self.rank :], *self.channel_shape)

    @property
    def reads_constant(self) -> bool:
        """Whether an axis has a border of `border_value`."""
        return any(axis.border is Border.CONSTANT for axis in self.axes)

    @property
    def order(self) -> tuple[int, ...]:
        """The axes in the order of their passes: the first one first, so that parts of it go
        through all passes by themselves. An axis that is left as it is has none, unless all are."""
        axes = self.user_axes
        kept = tuple(at for at in range(self.rank) if self.sizes[at] or _moves(axes[at]))
        return kept or (0,)

    @property
    def macs(self) -> int:
        """Nominal multiply-adds of all passes: taps on padding count."""
        sizes, total = [axis.n for axis in self.user_axes], 0
        for at in self.order:
            sizes[at] = self.user_axes[at].outputs
            total += prod(sizes) * self.user_axes[at].k
        return total * self.groups

    def dtype_after(self, passes: int) -> np.dtype:
        """What so many passes leave: sums, those of integers in int32 where that holds them all."""
        if not self.arithmetic.integer:
            return self.sum_dtype
        image, kernel = map(most, self.dtypes)
        largest = image * prod(kernel * self.sizes[at] or 1 for at in self.order[:passes])
        return np.dtype(np.int32 if largest <= INT32_MOST else np.int64)

    def taps(self, weight: np.ndarray, at: int) -> np.ndarray:
        """The kernel of an axis."""
        first = sum(self.sizes[:at])
        return weight[first : first + self.sizes[at]] if self.sizes[at] else np.ones(
            1, weight.dtype
        )  # fmt: skip

    def conv(self, number: int, value: Any) -> ConvSpec:
        """The convolution of a pass, whose constant border has this value."""
        at, done = self.order[number], self.order[:number]
        last = number == len(self.order) - 1
        axes = [
            axis if i == at else Axis(axis.outputs if i in done else axis.n)
            for i, axis in enumerate(self.user_axes)
        ]
        if axes[at].border is Border.CONSTANT and value == 0:
            axes[at] = axes[at]._replace(border=Border.ZERO)
        source = self.dtype_after(number) if number else self.dtypes[0]
        wanted = self.dtype if last else self.dtype_after(number + 1)
        kernel = self.dtypes[1]
        arithmetic, dtype, _ = make_arithmetic(
            self.name, source, kernel, wanted, "saturate", axes[at].k
        )
        told = {field.name: getattr(self, field.name) for field in fields(Spec)}
        told |= {
            "axes": (Axis(1),) * (3 - self.rank) + tuple(axes),
            "apart": components(source) > components(kernel),
            "arithmetic": arithmetic,
            "dtype": dtype,
            "epilogue": self.epilogue if last else Epilogue(saturate=True),
        }
        return ConvSpec(**told, border_value=value if axes[at].border is Border.CONSTANT else 0)

    def border_values(self, weight: np.ndarray) -> list[Any]:
        """The value of the constant border in each pass: an element of the border is a sum of those
        that it was before."""
        value, values = self.border_value, []
        for number, at in enumerate(self.order):
            values.append(value)
            if self.reads_constant:
                with np.errstate(all="ignore"):
                    value = self._filtered(value, self.taps(weight, at), number + 1)
        return values

    def _filtered(self, value: Any, taps: np.ndarray, passes: int) -> Any:
        if self.arithmetic.integer:
            total = value * sum(map(int, taps.tolist()))
            return (total + 2**63) % 2**64 - 2**63
        # In the order of tiles: so a border of 1 is what a pass makes of ones.
        products = np.asarray(value, self.sum_dtype) * taps.astype(self.sum_dtype)
        starts = range(0, len(products), BLOCK_K)
        sums = [np.cumsum(products[start : start + BLOCK_K])[-1] for start in starts]
        return np.cumsum(sums)[-1].item()

    def __repr__(self) -> str:
        more = {"padding_value": self.border_value} if self.reads_constant else {}
        return self._told(more | {"sizes": self.sizes})


def _moves(axis: Axis) -> bool:
    """Whether a kernel of a single 1 changes anything."""
    return (axis.stride, axis.before, axis.after) != (1, 0, 0)


# ---- arguments ---------------------------------------------------------------------------------


def as_separable_views(
    name: str, said: SeparableParameters, image, kernels, bias, residual, out
) -> Views:
    """The arrays of a separable filter. `kernels` are `Kernels`."""
    sizes, weight = kernels
    rank = len(sizes)
    channels = channels_of(name, rank, image.shape)
    if as_flag(name, "flip", plain(said.flip)) and isinstance(weight, np.ndarray):
        weight = flipped(kernels).joined
    dtype = result_dtype(said.dtype, image.dtype, weight.dtype)

    def check() -> None:
        check_separable(name, said, image, kernels, residual, out)

    return Views(
        rank,
        channels,
        said._replace(dtype=dtype, sizes=sizes),
        merged(image, rank),
        weight,
        bias_per_channel(name, bias, channels),
        merged_or_refused(residual, rank, channels, check),
        merged_or_refused(out, rank, channels, check),
    )


class Kernels(NamedTuple):
    """The sizes of 1-D kernels (0: there is none), and all of them in one array."""

    sizes: tuple[int, ...]
    joined: Any

    @property
    def each(self) -> list[np.ndarray | None]:
        """One by one."""
        ends = np.cumsum(self.sizes)
        parts = zip(self.sizes, np.split(self.joined, ends[:-1]), strict=True)
        return [part if size else None for size, part in parts]


FORM = "one to three 1-D arrays, one per axis, or None for an axis that is not filtered"


def _entries(name: str, kernels: Any) -> tuple:
    """One for each axis."""
    entries = entries_of(name, "kernels_1d", kernels)
    if not 1 <= len(entries) <= 3:
        raise ValueError(f"{name}: kernels_1d has {len(entries)} entries, but it must have {FORM}")
    return entries


def read_kernels(name: str, kernels: Any) -> Kernels:
    """1-D kernels, of one dtype."""
    if not is_sequence(kernels):
        raise TypeError(f"{name}: kernels_1d is {show(kernels)}, but it must be {FORM}")
    if isinstance(kernels, np.ndarray) and kernels.ndim > 1:  # whose rows would be kernels
        more = "; a 2-D kernel is for filter2d, or pass kernels.separate(kernel)[0]"
        raise ValueError(
            f"{name}: kernels_1d is {a_kind(kernels)}, but it must be {FORM}"
            + more * (kernels.ndim == 2)
        )
    sizes, arrays = [], []
    for number, entry in enumerate(_entries(name, kernels)):
        called = f"kernels_1d[{number}]"
        if entry is None:
            sizes.append(0)
            continue
        needed = "but it must be a 1-D array of at least one element"
        if isinstance(entry, tuple) and any(isinstance(part, np.ndarray) for part in entry):
            raise ValueError(
                f"{name}: {called} is a tuple of arrays, {needed}; of the terms that "
                "kernels.separate returns, pass one, as separate(kernel)[0]"
            )
        array = as_array(name, called, entry)
        check_dtype(name, called, array.dtype)
        if array.ndim != 1 or not array.size:
            more = "; for the same kernel along two axes pass [kernel, kernel]"
            raise ValueError(
                f"{name}: {called} has shape {array.shape}, {needed}{more * (array.ndim == 0)}"
            )
        sizes.append(array.size)
        arrays.append(array)
    try:
        dtype = common(array.dtype for array in arrays) if arrays else np.dtype(bool)
    except TypeError:
        dtypes = ", ".join(str(array.dtype) for array in arrays)
        raise TypeError(
            f"{name}: kernels_1d have dtypes {dtypes}, but they must have a common one"
        ) from None
    dtype = dtype if dtype.isnative else dtype.newbyteorder("=")
    return Kernels(tuple(sizes), np.concatenate([np.empty(0, dtype), *arrays], dtype=dtype))


def read_sizes(name: str, kernels: Any) -> tuple[int, ...] | None:
    """Numbers of taps in place of 1-D kernels, and 0 for None; None if these are kernels."""
    if not isinstance(kernels, (tuple, list)):
        return None
    taps = [size for size in kernels if size is not None]
    if not taps or not is_flat(taps):
        return None
    return tuple(
        0
        if size is None
        else as_integer(
            name, f"kernels_1d[{at}]", size, 1, BYTES_MAX, ", the number of taps, or an array"
        )
        for at, size in enumerate(_entries(name, kernels))
    )


def flipped(kernels: Kernels) -> Kernels:
    """Kernels turned around."""
    parts = np.split(kernels.joined, np.cumsum(kernels.sizes)[:-1])
    return kernels._replace(joined=np.concatenate([part[::-1] for part in parts]))


def least_image(
    name: str, sizes: tuple[int, ...], said: SeparableParameters, channels: int
) -> tuple[int, ...]:
    """The smallest image of so many channels that has an output."""
    words = {word: getattr(said, word) for word in ("stride", "padding", "dilation")}
    shape = (1, 1, *(size or 1 for size in sizes))
    least = least_input(name, len(sizes), shape, ConvParameters(**words))
    return (*least[2:], channels)


def make_separable_spec(
    name: str,
    rank: int,
    input_shape: tuple[int, ...],
    input_dtype: np.dtype,
    weight_shape: tuple[int, ...],
    weight_dtype: np.dtype,
    *,
    bias: bool = False,
    residual: bool = False,
    **said: Any,
) -> SeparableSpec:
    """The specification of a separable filter, from the shapes of the views."""
    sizes, channels = said["sizes"], input_shape[rank]
    conv = make_conv_spec(
        name,
        rank,
        input_shape,
        input_dtype,
        (channels, 1, *(size or 1 for size in sizes)),
        weight_dtype,
        **{word: value for word, value in said.items() if word not in ("sizes", "flip")},
        groups=channels,
        channels_last=True,
        bias=bias,
        residual=residual,
    )
    told = {field.name: getattr(conv, field.name) for field in fields(Spec)}
    if conv.arithmetic.integer:
        told["arithmetic"] = Arithmetic("q", "q")
    return SeparableSpec(
        **told,
        border_value=conv.border_value,
        sizes=sizes,
        dtypes=(input_dtype, weight_dtype),
        channel_shape=(channels,),
    )


def check_separable(name: str, said: SeparableParameters, image, kernels, residual, out) -> None:
    """Raise unless `residual` and `out` fit, with the shapes that the user knows."""
    views = as_separable_views(name, said, image, kernels, None, None, None)
    arrays = views.input.shape, image.dtype, views.weight.shape, views.weight.dtype
    more = {"residual": residual is not None, **views.parameters._asdict()}
    spec = make_separable_spec(name, views.rank, *arrays, **more)
    spec = replace(spec, channel_shape=views.channel_shape)
    check_out(spec, out)
    if residual is not None:
        check_residual(spec, residual)


# ---- the slow truth ----------------------------------------------------------------------------


def correlate(
    spec: SeparableSpec,
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    residual: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """The convolution with the outer product of the kernels."""
    told = {field.name: getattr(spec, field.name) for field in fields(Spec)}
    conv = ConvSpec(**told, border_value=spec.border_value)
    with np.errstate(all="ignore"):
        wide = weight.astype(reference.wide(spec) if weight.dtype.kind != "c" else np.complex128)
        kernel = reduce(np.multiply.outer, [spec.taps(wide, at) for at in range(spec.rank)])
    weight = np.broadcast_to(kernel, conv.weight_shape)
    return reference.convolve(conv, input, weight, bias, residual, out)


SEPARABLE, OF_VIEWS = (  # as users see it; and of views, with all kernels in one array
    Family(
        spec=SeparableSpec,
        parameters=SeparableParameters,
        often=3,
        make_spec=make_separable_spec,
        weight_axes=axes,
    )
    for axes in ("[1-D kernel, ...]", "(taps)")
)
