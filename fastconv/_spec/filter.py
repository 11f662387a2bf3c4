# SPDX-License-Identifier: BSD-3-Clause
"""Filters of images: one kernel for all channels. A filter is a convolution of views.

image   (H, W, ...)   as input   (H, W, C), channels last, without a batch
kernel  (kH, kW)      as weight  (C, 1, kH, kW), the same memory for each channel
                      with groups=C
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .arguments import as_array
from .conv import ConvParameters, ConvSpec, make_conv_spec
from .family import Family
from .operands import check_out, check_residual
from .values import reworded

FILTERS = ("filter2d", "filter_nd")
RANKS = {1: "one axis", 2: "two axes", 3: "three axes"}


class FilterParameters(NamedTuple):
    """What a user says of a filter, beside its arrays and how to run it."""

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


@dataclass(frozen=True, slots=True, repr=False)
class FilterSpec(ConvSpec):
    """The convolution that a filter is, with the shapes that the user sees."""

    channel_shape: tuple[int, ...]  # of the axes behind the spatial ones; () has one channel

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (*(axis.n for axis in self.user_axes), *self.channel_shape)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return self.kernel[3 - self.rank :]

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (*self.outputs[3 - self.rank :], *self.channel_shape)


class Views(NamedTuple):
    """A filter as the convolution that it is."""

    rank: int
    channel_shape: tuple[int, ...]
    parameters: ConvParameters
    input: Any
    weight: Any
    bias: np.ndarray | None
    residual: np.ndarray | None
    out: np.ndarray | None

    @property
    def operands(self) -> tuple:
        return self.input, self.weight, self.bias, self.residual, self.out


def kernel_rank(name: str, rank: int, shape: tuple[int, ...]) -> int:
    """The number of spatial axes: `rank`, or that of the kernel where `rank` is 0."""
    if rank and len(shape) != rank:
        more = "; fastconv.filter_nd takes kernels of one to three axes"
        if not shape:  # perhaps the ddepth of OpenCV, which comes second there
            more = "; it comes second: the dtype of the result is dtype="
        more *= len(shape) <= 3
        raise ValueError(
            f"{name}: kernel has shape {shape}, but it must have {RANKS[rank]}, (kH, kW){more}"
        )
    if not 1 <= len(shape) <= 3:
        raise ValueError(f"{name}: kernel has shape {shape}, but it must have one to three axes")
    return len(shape)


def channels_of(name: str, rank: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the axes of an image that lie behind the spatial ones."""
    if len(shape) < rank:
        raise ValueError(
            f"{name}: image has shape {shape}, but it must have at least {RANKS[rank]}, "
            "one for each axis of the kernel"
        )
    channels = shape[rank:]
    if not prod(channels):
        raise ValueError(f"{name}: image has shape {shape}, but it must have a channel")
    return channels


def as_views(
    name: str, rank: int, said: FilterParameters, image, kernel, bias, residual, out
) -> Views:
    """The convolution of a filter. Image and kernel are arrays, or have a shape and a dtype."""
    rank = kernel_rank(name, rank, kernel.shape)
    channels = channels_of(name, rank, image.shape)

    def check() -> None:
        check_arrays(name, rank, said, image, kernel, residual, out)

    return Views(
        rank,
        channels,
        as_conv_parameters(said, prod(channels), image.dtype, kernel.dtype),
        merged(image, rank),
        shared(kernel, prod(channels)),
        bias_per_channel(name, bias, channels),
        merged_or_refused(residual, rank, channels, check),
        merged_or_refused(out, rank, channels, check),
    )


def merged_or_refused(
    array: Any, rank: int, channels: tuple[int, ...], check: Callable[[], None]
) -> np.ndarray | None:
    """A residual or an output with the axes of channels as one; `check` refuses what is none."""
    if array is None:
        return None
    fits = type(array) is np.ndarray and array.shape[rank:] == channels
    view = merged(array, rank) if fits else None
    if not fits or not np.may_share_memory(view, array):
        check()
        view = merged(np.asarray(array), rank)
    return view


def as_conv_parameters(
    said: FilterParameters, channels: int, image: np.dtype | None, kernel: np.dtype
) -> ConvParameters:
    """What is said of the convolution; the image's dtype is None where it is not known yet."""
    dtype = result_dtype(said.dtype, image, kernel)
    return ConvParameters(**said._asdict() | {"dtype": dtype}, groups=channels, channels_last=True)


def result_dtype(wanted: Any, image: np.dtype | None, kernel: np.dtype) -> Any:
    """What is wanted, or the dtype of the image where that holds the result; else None."""
    if wanted is not None or image is None or image.kind == "b":
        return wanted
    if kernel.kind == "c" and image.kind != "c":
        return None
    return image if image.isnative else image.newbyteorder("=")


def merged(array: Any, rank: int) -> Any:
    """An array with the axes behind the spatial ones as one: a view, where strides allow."""
    shape = (*array.shape[:rank], prod(array.shape[rank:]))
    return array.reshape(shape) if isinstance(array, np.ndarray) else array._replace(shape=shape)


def shared(kernel: Any, channels: int) -> Any:
    """A kernel as the weight of so many channels."""
    shape = (channels, 1, *kernel.shape)
    if isinstance(kernel, np.ndarray):
        return kernel[None, None] if channels == 1 else np.broadcast_to(kernel, shape)
    return kernel._replace(shape=shape, shared=channels > 1)


def bias_per_channel(name: str, bias: Any, channels: tuple[int, ...]) -> np.ndarray | None:
    """One number for each channel, from one for all or from an array of their shape."""
    if bias is None:
        return None
    array = as_array(name, "bias", bias)
    if array.shape not in ((), channels):
        several = f" or an array of shape {channels}, one number per channel" if channels else ""
        raise ValueError(
            f"{name}: bias has shape {array.shape}, but it must be one number{several}"
        )
    return np.broadcast_to(array, channels).reshape(-1)


# ---- errors, and the specification as the user sees it ------------------------------------------


def make_filter_spec(
    name: str,
    rank: int,
    image_shape: tuple[int, ...],
    image_dtype: np.dtype,
    kernel_shape: tuple[int, ...],
    kernel_dtype: np.dtype,
    *,
    bias: bool = False,
    residual: bool = False,
    **said: Any,
) -> FilterSpec:
    """The specification of a filter."""
    rank = kernel_rank(name, rank, kernel_shape)
    channels = channels_of(name, rank, image_shape)
    said = as_conv_parameters(FilterParameters(**said), prod(channels), image_dtype, kernel_dtype)
    conv = make_conv_spec(
        name,
        rank,
        (*image_shape[:rank], prod(channels)),
        image_dtype,
        (prod(channels), 1, *kernel_shape),
        kernel_dtype,
        **said._asdict(),
        bias=bias,
        residual=residual,
    )
    return as_filter(conv, channels)


def as_filter(conv: ConvSpec, channels: tuple[int, ...]) -> FilterSpec:
    """The specification of a filter from that of its convolution."""
    told = {field.name: getattr(conv, field.name) for field in fields(ConvSpec)}
    return FilterSpec(**told, channel_shape=channels)


def check_arrays(name: str, rank: int, said: FilterParameters, image, kernel, residual, out):
    """Raise unless `residual` and `out` fit, with the shapes that the user knows."""
    more = {"residual": residual is not None, **said._asdict()}
    arrays = image.shape, image.dtype, kernel.shape, kernel.dtype
    spec = make_filter_spec(name, rank, *arrays, **more)
    check_out(spec, out)
    if residual is not None:
        check_residual(spec, residual)


def reworded_for(error: Exception, kernel: str) -> Exception:
    """An error of a convolution in the words of a filter, whose weights have this name."""
    return reworded(error, {"input": "image", "weight": kernel})


FILTER = Family(
    spec=FilterSpec,
    parameters=FilterParameters,
    often=3,
    make_spec=make_filter_spec,
    weight_axes="(*kernel)",
)
