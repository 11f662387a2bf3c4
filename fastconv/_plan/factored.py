# SPDX-License-Identifier: BSD-3-Clause
"""Convolutions whose kernel is the outer product of 1-D ones, as separable filters.

    w[i, j] = u[i] * v[j]        k * k multiply-adds an output become k + k

One kernel serves all channels. Its elements decide, to rounding: see `rank1_factors`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache, lru_cache, partial
from math import prod

import numpy as np

from .._spec.conv import ConvSpec
from .._spec.dtypes import components
from .._spec.filter import FILTERS
from .._spec.rank1 import rank1_factors
from .._spec.separable import SeparableSpec
from .._spec.spec import Spec
from . import constants as costs
from .layout import Layout
from .plan import Plan, Variant
from .separable import Passes
from .tiled import Call
from .weights import SeveralWeights, Weights

KERNELS = 32  # whose factors are kept, each of at most
KERNEL_BYTES = 1 << 17
REASON = "weight is the outer product of 1-D kernels"


def refuses(call: Call) -> str | None:
    """Integers, complex weights, and more than one kernel."""
    spec = call.spec
    if spec.arithmetic.integer:
        return "sums are integers"
    if components(call.dtypes[1]) == 2:
        return "complex weights"
    if spec.c_in != 1 or spec.c_out != 1:
        return f"a group has {spec.c_in} x {spec.c_out} kernels, not one"
    if spec.groups > 1 and call.arrays.wei.strides[0]:
        return "channels have kernels of their own"
    return None


def refuses_unnamed(call: Call) -> str | None:
    """The same; and "auto" compares no costs, as elements decide: see `variant`."""
    reason = refuses(call)
    if reason or call.algorithm == "separable":
        return reason
    return f"only if {REASON}" if is_cheaper(call.spec) else "too few taps"


def is_cheaper(spec: ConvSpec) -> bool:
    """Whether passes need fewer multiply-adds than the kernel as a whole. A pass makes what the
    strides of the later ones leave out."""
    axes = [axis for axis in spec.user_axes if axis.k > 1]
    strides = [prod(axis.stride for axis in axes[at + 1 :]) for at in range(len(axes))]
    passes = sum(axis.k * stride for axis, stride in zip(axes, strides, strict=True))
    return len(axes) > 1 and passes + costs.PASS_TAPS * (len(axes) - 1) < spec.taps


def variant(call: Call, make: Callable[[Call], Plan]) -> Variant | None:
    """The plan for weights that are an outer product, where that is worth it."""
    spec = call.spec
    if call.algorithm != "auto" or refuses(call) or not is_cheaper(spec):
        return None
    if spec.groups > 1 and spec.name not in FILTERS:  # the same weights may be copies, too
        return None
    return Variant(
        reason=REASON,
        holds=lambda src, weights: _taps(spec, weights.array) is not None,
        plan=cache(partial(_plan, call, make)),
        reads_input=False,
        late=False,
    )


def _plan(call: Call, make: Callable[[Call], Plan]) -> Plan:
    plan = make(replace(call, algorithm="separable"))
    others = (name for name, _ in plan.refused if name != "reference")
    return plan._replace(refused=tuple((name, "more multiply-adds") for name in others))


class Factored:
    """What runs."""

    def __init__(self, call: Call):
        self.spec = call.spec
        self.passes = Passes(_as_filter(call))

    def run(self, src, wei, packed, bias, residual, dst) -> bool:
        """Run the passes; `packed` is what `pack` returned."""
        taps, packed = (self.taps(wei), None) if packed is None else packed
        return self.passes.run(src, taps, packed, bias, residual, dst)

    def pack(self, weights: Weights) -> tuple[np.ndarray, SeveralWeights]:
        """The weights of a layer."""
        taps = self.taps(weights.array)
        return taps, self.passes.pack(Weights(taps, weights.bias))

    def check(self, weights: Weights) -> None:
        """Raise for weights that have no factors."""
        self.taps(weights.array)

    def taps(self, weight: np.ndarray) -> np.ndarray:
        """All 1-D kernels in one array."""
        taps = _taps(self.spec, weight)
        if taps is None:
            raise ValueError(f"{self.spec.name}: weight {_lacks(weight, self.spec.tile_dtype)}")
        return taps


def _lacks(weight: np.ndarray, dtype: np.dtype) -> str:
    """Why a weight has no factors of `dtype`, and what helps: it may have been rounded."""
    rounded = weight.dtype.kind == "f" and weight.dtype.itemsize < dtype.itemsize
    if rounded and rank1_factors(weight[0, 0], weight.dtype) is not None:
        return (
            f"is an outer product of 1-D kernels only to the rounding of {weight.dtype}, but for "
            f"algorithm 'separable' it must be one to that of {dtype}; pass a weight that is "
            f"computed in {dtype}, or use fastconv.separable_filter"
        )
    return (
        "has other elements than an outer product of 1-D kernels has, to the rounding of "
        f"{dtype}, but it must be one for algorithm 'separable'; fastconv.kernels.separate finds "
        "kernels that come near it"
    )


def _taps(spec: ConvSpec, weight: np.ndarray) -> np.ndarray | None:
    """The factors of a weight, those of one tap left out, in one array."""
    kernel = weight[0, 0]
    if kernel.nbytes > KERNEL_BYTES:
        return _joined(kernel, spec.tile_dtype)
    return _kept(kernel.tobytes(), kernel.dtype, kernel.shape, spec.tile_dtype)


@lru_cache(KERNELS)
def _kept(elements: bytes, dtype: np.dtype, shape: tuple, wanted: np.dtype) -> np.ndarray | None:
    return _joined(np.frombuffer(elements, dtype).reshape(shape), wanted)


def _joined(kernel: np.ndarray, dtype: np.dtype) -> np.ndarray | None:
    factors = rank1_factors(kernel, dtype)
    if factors is None:
        return None
    return np.concatenate([factor for factor in factors if kernel.size == 1 or len(factor) > 1])


def _as_filter(call: Call) -> Call:
    """The call as that of a separable filter, whose kernels have the dtype of tiles."""
    spec, tile = call.spec, call.spec.tile_dtype
    sizes = tuple(axis.k if axis.k > 1 or spec.taps == 1 else 0 for axis in spec.user_axes)
    told = {field.name: getattr(spec, field.name) for field in fields(Spec)}
    made = SeparableSpec(
        **told,
        border_value=spec.border_value,
        sizes=sizes,
        dtypes=(call.dtypes[0], tile),
        channel_shape=(spec.groups,),
    )
    wei = Layout.contiguous((1, 1, sum(sizes)), tile, tile, 1, False)
    return replace(
        call,
        spec=made,
        arrays=replace(call.arrays, wei=wei),
        dtypes=(call.dtypes[0], tile, call.dtypes[2]),
    )
