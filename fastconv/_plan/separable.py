# SPDX-License-Identifier: BSD-3-Clause
"""Separable filters as convolutions in a row, one along each axis, in bands along the first of
them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from .._spec.conv import ConvSpec
from .._spec.operands import plain_bias
from .._spec.separable import SeparableSpec
from .._spec.spec import AXES
from .bands import Bands
from .cached import cached
from .divide import Cuts, divide
from .layout import Layout
from .tiled import Call
from .weights import CallWeights, LayerWeights, SeveralWeights, Weights

BORDERS = 16  # plans for other values of a constant border that a filter keeps


@dataclass(frozen=True)
class Passes:
    """All convolutions of a filter."""

    call: Call
    for_borders: dict[str, Bands] = field(default_factory=dict)  # by the values of a constant one

    @property
    def spec(self) -> SeparableSpec:
        return self.call.spec

    def bands(self, values: Sequence[Any]) -> Bands:
        """How they run where the constant border has this value in each pass."""
        key = repr(values) if self.spec.reads_constant else ""
        found = self.for_borders.get(key)
        if found is None:
            if len(self.for_borders) >= BORDERS:
                self.for_borders.clear()
            found = self.for_borders[key] = _bands(self.call, values)
        return found

    @cached
    def planned(self) -> Bands:
        """How they run with the border of the image in all passes, for those who ask before there
        are weights."""
        return self.bands([self.spec.border_value] * len(self.spec.order))

    def run(self, src, wei, packed, bias, residual, dst) -> bool:
        """Run them; `packed` is what `pack` returned."""
        bands = self.bands(self.spec.border_values(wei))
        if packed is None:
            if bias is not None:
                bias = plain_bias(self.spec, bias)
            packed = tuple(self._weights(CallWeights, wei, bias))
        return bands.run(src, packed, residual, dst)

    def pack(self, weights: Weights) -> SeveralWeights:
        """The weights of a layer."""
        return SeveralWeights(*self._weights(LayerWeights, weights.array, weights.bias))

    def _weights(self, kind: type, wei: np.ndarray, bias: np.ndarray | None) -> list[Weights]:
        """Those of each pass."""
        order = self.spec.order
        return [kind(_taps(self.spec, wei, at), bias if at == order[-1] else None) for at in order]


def _taps(spec: SeparableSpec, weight: np.ndarray, at: int) -> np.ndarray:
    """The weight of a pass, which all channels share."""
    taps = spec.taps(weight, at)
    shape = [1] * (2 + spec.rank)
    shape[2 + at] = len(taps)
    taps = taps.reshape(shape)
    return taps if spec.groups == 1 else np.broadcast_to(taps, (spec.groups, *shape[1:]))


def _bands(call: Call, values: Sequence[Any]) -> Bands:
    spec = call.spec
    row = [spec.conv(number, value) for number, value in enumerate(values)]
    cut = 3 - spec.rank + spec.order[0]  # the axis of the first pass

    def specs(batch: int, axes: tuple, outputs: tuple) -> tuple[ConvSpec, ...]:
        found = [replace(row[0], batch=batch, axes=axes)]
        for one in row[1:]:
            sizes = list(one.axes)
            sizes[cut] = sizes[cut]._replace(n=outputs[cut])
            found.append(replace(one, batch=batch, axes=tuple(sizes)))
        return tuple(found)

    # What lies between two passes, for one position of the axis that is cut; at the worst, as of
    # three passes there are two such at a time.
    positions = row[0].outputs[cut]
    between = [one.groups * prod(one.outputs) // positions * one.dtype.itemsize for one in row[:-1]]
    sizes = [spec.batch, 1, 1, 1]
    if between:
        sizes[1 + cut] = positions
    cuts = Cuts(row[0].axes, tuple(sizes), max(1, sum(between)))
    names = tuple(
        f"axis {AXES[spec.rank][at]}, {one.taps} taps"
        for at, one in zip(spec.order, row, strict=True)
    )
    weights = tuple((_layout(spec, one), spec.dtypes[1]) for one in row)
    return divide(call, names, cuts, specs, weights)


def _layout(spec: SeparableSpec, conv: ConvSpec) -> Layout:
    """That of the weight of a pass."""
    itemsize = spec.dtypes[1].itemsize
    strides = (0, 0, *(itemsize if axis.k > 1 else 0 for axis in conv.user_axes))
    return Layout.of(conv.weight_shape, strides, spec.dtypes[1], True, conv.tile_dtype, spec.rank)
