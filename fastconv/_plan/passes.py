# SPDX-License-Identifier: BSD-3-Clause
"""Separable filters as convolutions in a row, one for each axis, with all sums between them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from .._spec.conv import ConvSpec
from .._spec.dtypes import TOTALS
from .._spec.operands import check_bias, plain_bias
from .._spec.separable import SeparableSpec
from . import constants as costs
from .composed import PARTS
from .layout import Layout
from .plan import Plan
from .tiled import Arrays, Call
from .variants import run as run_plan

BORDERS = 16  # plans for other values of a constant border that a pass keeps


@dataclass(frozen=True)
class Pass:
    """The convolution along one axis."""

    call: Call  # of the filter
    number: int
    plans: dict[Any, Plan] = field(default_factory=dict)  # for other values of a constant border

    @property
    def spec(self) -> SeparableSpec:
        return self.call.spec

    @property
    def last(self) -> bool:
        """Whether it has the epilogue, and writes the output."""
        return self.number == len(self.spec.order) - 1

    @cached_property
    def plan(self) -> Plan:
        """Its plan, with the border of the image."""
        return self._make(self.spec.border_value)

    def plan_for(self, value: Any) -> Plan:
        """Its plan for a value of the constant border."""
        if value == self.spec.border_value or not self.plan.spec.reads_constant:
            return self.plan
        key = repr(value)
        found = self.plans.get(key)
        if found is None:
            if len(self.plans) >= BORDERS:
                self.plans.clear()
            found = self.plans[key] = self._make(value)
        return found

    def taps(self, weight: np.ndarray) -> np.ndarray:
        """The weight, which all channels share."""
        at = self.spec.order[self.number]
        taps = self.spec.taps(weight, at)
        shape = [1] * (2 + self.spec.rank)
        shape[2 + at] = len(taps)
        return np.broadcast_to(taps.reshape(shape), (self.spec.groups, *shape[1:]))

    def _make(self, value: Any) -> Plan:
        call, conv = self.call, self.spec.conv(self.number, value)
        threads = call.threads
        if call.shared:
            threads = max(1, min(threads, conv.flops // costs.OPERATIONS_PER_THREAD))
        return call.make(
            replace(
                call,
                spec=conv,
                arrays=self._arrays(conv),
                dtypes=(
                    self.spec.dtype_after(self.number) if self.number else call.dtypes[0],
                    call.dtypes[1],
                    call.dtypes[2] if self.last else None,
                ),
                algorithm=call.algorithm if call.algorithm in PARTS else "auto",
                threads=threads,
                prepared=False,
                copies=(),
            )
        )

    def _arrays(self, conv: ConvSpec) -> Arrays:
        """How its arrays lie: between passes they are contiguous."""
        spec, given, rank = self.spec, self.call.arrays, self.spec.rank
        sums = TOTALS[conv.arithmetic.total]
        same = sums == TOTALS[spec.arithmetic.total]
        between = spec.dtype_after(self.number)
        src, dst, residual = given.src, given.dst, given.residual if self.last else None
        if self.number:
            src = Layout.contiguous(conv.input_shape, between, conv.tile_dtype, rank, True)
        if self.last:
            dst = replace(dst, native=dst.native and same)
            residual = residual and replace(residual, native=residual.native and same)
        else:
            dst = Layout.contiguous(conv.output_shape, conv.dtype, sums, rank, True)
        itemsize = spec.dtypes[1].itemsize
        strides = (0, 0, *(itemsize if axis.k > 1 else 0 for axis in conv.user_axes))
        wei = Layout.of(conv.weight_shape, strides, spec.dtypes[1], True, conv.tile_dtype, rank)
        return Arrays(src, wei, dst, residual, given.residual_is_out and self.last)


@dataclass(frozen=True)
class Passes:
    """All of them."""

    spec: SeparableSpec
    each: tuple[Pass, ...]

    def run(self, src, wei, packed, bias, residual, dst) -> bool:
        """Run them, the last one into the output."""
        values = self.spec.border_values(wei)
        for one, value in zip(self.each, values, strict=True):
            plan = one.plan_for(value)
            if not one.last:
                between = np.empty(plan.output_shape, plan.spec.dtype)
                run_plan(plan, src, one.taps(wei), None, None, None, between)
                src = between
        if bias is not None:
            bias = check_bias(plan.spec, plain_bias(self.spec, bias), plan._engine.bias_dtype)
        run_plan(plan, src, one.taps(wei), None, bias, residual, dst)
        return True

    def told(self) -> tuple[str, ...]:
        """A line for each."""
        return tuple(
            f"axis {'DHW'[3 - self.spec.rank :][at]}, {plan.spec.kernel[3 - self.spec.rank + at]} "
            f"taps -> {'x'.join(map(str, plan.output_shape))} {plan.spec.dtype}, {plan.algorithm}"
            + f" {plan.orientation}"
            * (plan.orientation != "none")
            for at, plan in ((self.spec.order[one.number], one.plan) for one in self.each)
        )


def passes(call: Call) -> Passes:
    """The passes of a call."""
    return Passes(call.spec, tuple(Pass(call, number) for number in range(len(call.spec.order))))
