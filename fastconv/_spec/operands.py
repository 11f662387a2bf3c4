# SPDX-License-Identifier: BSD-3-Clause
"""The arrays that come with a specification: bias, residual and out, checked against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .arguments import OF_INTEGERS, as_array, check_dtype
from .conv import ConvSpec
from .dtypes import components, is_bfloat16, is_integer, is_known
from .values import a_kind, is_masked


def check_bias(spec: ConvSpec, bias: Any, dtype: np.dtype) -> np.ndarray | None:
    """`bias` as an aligned, contiguous 1-D array of the real numbers of `dtype`, or None."""
    if bias is None:
        return None
    array = as_array(spec.name, "bias", bias)
    needed = (spec.groups * spec.c_out,)
    if spec.unshared:
        return _bias_of_positions(spec, array, dtype)
    if array.shape != needed:
        raise ValueError(
            f"{spec.name}: bias has shape {array.shape}, but it must be {needed}, "
            "one value per output channel"
        )
    flags = array.flags
    if (
        array.dtype is dtype
        and flags.c_contiguous
        and flags.aligned
        and components(spec.dtype) == 1
    ):
        return array
    check_addend(spec, "bias", array.dtype)
    with np.errstate(all="ignore"):  # what is too large becomes inf, as in the residual
        if components(spec.dtype) == 1:
            return np.require(array, dtype, ("C", "A"))
        pairs = array.astype(np.result_type(dtype, np.complex64)).view(dtype)
    if not spec.apart:
        return pairs
    return pairs.reshape(spec.groups, spec.c_out, 2).swapaxes(1, 2).ravel()


def _bias_of_positions(spec: Any, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """(output channel, component, position), of one value per channel or one per position, too."""
    outputs, places = spec.groups * spec.c_out, spec.outputs[3 - spec.rank :]
    if array.shape not in ((outputs,), (outputs, *places)):
        raise ValueError(
            f"{spec.name}: bias has shape {array.shape}, but it must be {(outputs,)}, "
            f"one value per output channel, or {(outputs, *places)}, one per output"
        )
    check_addend(spec, "bias", array.dtype)
    if array.ndim == 1:
        array = array.reshape(outputs, *(1,) * spec.rank)
    array = np.broadcast_to(array, (outputs, *places)).reshape(outputs, -1)
    with np.errstate(all="ignore"):
        if spec.components == 1:
            return np.require(array[:, None], dtype, ("C", "A"))
        parts = np.empty((outputs, 2, array.shape[1]), dtype)
        parts[:, 0], parts[:, 1] = array.real, array.imag
    return parts


def plain_bias(spec: ConvSpec, bias: np.ndarray) -> np.ndarray:
    """The bias that `check_bias` returned, with or without room behind it, as one number per output
    channel (or per position, too)."""
    outputs = spec.groups * spec.c_out
    if spec.unshared:
        if spec.components == 1:
            return bias[:, 0]
        return np.stack([bias[:, 0], bias[:, 1]], -1).view(np.result_type(bias, np.complex64))
    if spec.components == 1:
        return bias[:outputs]
    pairs = bias[: 2 * outputs]
    if spec.apart:
        pairs = pairs.reshape(spec.groups, 2, spec.c_out).swapaxes(1, 2).ravel()
    return pairs.view(np.result_type(bias.dtype, np.complex64))


def check_addend(spec: ConvSpec, argument: str, dtype: np.dtype) -> None:
    """Raise unless numbers of `dtype` can be added to the sums."""
    check_dtype(spec.name, argument, dtype)
    if spec.arithmetic.integer and not is_integer(dtype):
        raise TypeError(
            f"{spec.name}: {argument} has dtype {dtype}, but it must hold integers{OF_INTEGERS}"
        )
    if components(dtype) > max(1, components(spec.dtype)):
        raise TypeError(
            f"{spec.name}: {argument} has dtype {dtype}, but it must be real where the result is"
        )


def check_residual(spec: ConvSpec, residual: np.ndarray) -> None:
    """Raise unless `residual` can be added to the result."""
    check_addend(spec, "residual", residual.dtype)
    if components(residual.dtype) != components(spec.dtype):
        raise TypeError(
            f"{spec.name}: residual has dtype {residual.dtype}, but it must be complex "
            "where the result is"
        )
    if residual.shape != spec.output_shape:
        raise ValueError(
            f"{spec.name}: residual has shape {residual.shape}, but it must be "
            f"{spec.output_shape}, the shape of the result"
        )


def check_out(spec: ConvSpec, out: Any, layer: bool = False) -> None:
    """Raise unless `out` can take the result: kind, dtype, shape, flags and strides. `layer`: this
    is a call of one, in which an `out` may be meant as the weight."""
    if out is None:
        if spec.reads_out:
            raise ValueError(
                f"{spec.name}: beta is {spec.epilogue.beta} and out is None, but out must be an "
                "array, which beta multiplies"
            )
        return
    shape = getattr(out, "shape", out)
    weight = layer and isinstance(shape, tuple) and shape == spec.weight_shape
    more = "; a layer has its weight already" * weight
    check_result(
        spec.name, "out", out, spec.output_shape, spec.dtype,
        more, lambda dtype: _dtype_to_pass(spec, dtype, layer),
    )  # fmt: skip


def check_result(
    name: str,
    argument: str,
    out: Any,
    shape: tuple[int, ...],
    dtype: np.dtype,
    more: str = "",
    to_pass: Callable[[np.dtype], str] = lambda dtype: "",
) -> None:
    """Raise unless `out` is an array of this shape and dtype that can be written. `to_pass`: what
    to write for a result of another dtype."""
    if not isinstance(out, np.ndarray) or is_masked(out):
        raise TypeError(
            f"{name}: {argument} is {a_kind(out)}, but it must be a numpy.ndarray{more}"
        )
    if not is_known(out.dtype) or out.dtype.newbyteorder("=") != dtype:
        needed = f"{dtype}{to_pass(out.dtype)}{more}"
        raise TypeError(f"{name}: {argument} has dtype {out.dtype}, but it must be {needed}")
    if out.shape != shape:
        raise ValueError(f"{name}: {argument} has shape {out.shape}, but it must be {shape}{more}")
    flags = out.flags
    if not flags.writeable:
        raise ValueError(f"{name}: {argument} is read-only, but it must be writeable")
    if not flags.c_contiguous and _overlaps_itself(out):
        raise ValueError(
            f"{name}: {argument} has shape {out.shape} with strides {out.strides}, whose elements "
            "share memory, but each must have its own"
        )


def _dtype_to_pass(spec: ConvSpec, dtype: np.dtype, layer: bool) -> str:
    """What to pass for a result of `dtype`, if there is one."""
    if not is_known(dtype) or dtype.kind == "b" or components(dtype) < components(spec.dtype):
        return ""
    word = "'bfloat16'" if is_bfloat16(dtype) else f"np.{dtype.newbyteorder('=').name}"
    rounds = is_integer(dtype) and not spec.arithmetic.integer and not spec.epilogue.saturate
    more = ", overflow='saturate'" * rounds + " to prepare" * layer
    return f", or pass dtype={word}{more}"


def _overlaps_itself(array: np.ndarray) -> bool:
    """Whether elements may share memory: a step is shorter than what the smaller ones reach."""
    if not array.size:
        return False
    reach = array.itemsize
    steps = ((abs(s), n) for s, n in zip(array.strides, array.shape, strict=True) if n > 1)
    for step, size in sorted(steps):
        if step < reach:
            return True
        reach += step * (size - 1)
    return False
