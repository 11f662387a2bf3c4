# SPDX-License-Identifier: BSD-3-Clause
"""A depthwise convolution and then a pointwise one, in bands of output positions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from .._spec.axis import Axis
from .._spec.conv import ConvSpec
from .._spec.separable_conv import SeparableConvSpec
from .divide import Cuts, divide
from .layout import Layout
from .tiled import Arrays, Call
from .weights import CallWeights


@dataclass(frozen=True, slots=True)
class PairArrays(Arrays):
    """With a second weight: `wei` is the depthwise one."""

    pointwise: Layout | None = None

    def moved_bytes(self, spec: SeparableConvSpec) -> int:
        """Input, weights, output and residual, each once."""
        more = self.pointwise.itemsize * prod(spec.pointwise.weight_shape)
        return Arrays.moved_bytes(self, spec) + more


class Pair:
    """Both convolutions of a call."""

    def __init__(self, call: Call):
        spec, arrays = call.spec, call.arrays
        between = spec.depthwise
        pixel = between.groups * between.c_out * between.dtype.itemsize
        cuts = Cuts(between.axes, (spec.batch, *spec.outputs), pixel)

        def specs(batch: int, axes: tuple, outputs: tuple) -> tuple[ConvSpec, ConvSpec]:
            return (
                replace(between, batch=batch, axes=axes),
                replace(spec.pointwise, batch=batch, axes=tuple(map(Axis, outputs))),
            )

        weights = ((arrays.wei, call.dtypes[1]), (arrays.pointwise, call.dtypes[2]))
        self.planned = divide(call, ("depthwise", "pointwise"), cuts, specs, weights)

    def run(self, src, weights, packed, biases, residual, dst) -> bool:
        """Run them; `packed` has both weights of a layer."""
        several = tuple(map(CallWeights, weights, biases)) if packed is None else packed
        return self.planned.run(src, several, residual, dst)
