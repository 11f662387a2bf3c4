# SPDX-License-Identifier: BSD-3-Clause
"""The epilogue of an operation whose sums lie in an array of their own: a convolution with a kernel
of 1 that does nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .._spec.derive import epilogue_spec
from .._spec.operands import check_bias, plain_bias
from .._spec.spec import Spec
from .layout import Layout
from .plan import Plan
from .tiled import Call
from .variants import run as run_plan


class Finish(NamedTuple):
    """What runs."""

    spec: Spec
    plan: Plan

    def run(self, sums, bias, residual, dst) -> None:
        """Store what becomes of sums; the bias is as the plan of the operation has it."""
        plan = self.plan
        if bias is not None:
            bias = check_bias(plan.spec, plain_bias(self.spec, bias), plan._engine.bias_dtype)
        ones = np.ones(plan.spec.weight_shape, plan.spec.tile_dtype)
        run_plan(plan, sums, ones, None, bias, residual, dst)


def finish(call: Call, shape: tuple[int, ...]) -> Finish:
    """The plan for sums in a contiguous array of this shape, of which they may be a part."""
    spec = call.spec
    after, rank, last = epilogue_spec(spec), spec.rank, spec.channels_last
    wei = Layout.contiguous(after.weight_shape, after.tile_dtype, after.tile_dtype, rank, False)
    seen = Layout.contiguous(shape, spec.sum_dtype, after.tile_dtype, rank, last)
    sizes = (after.batch, after.groups, *after.outputs)
    arrays = replace(call.arrays, src=seen.placed(sizes, seen.strides), wei=wei)
    if after.arithmetic.total != spec.arithmetic.total:  # sums are no longer as they are stored
        residual = arrays.residual and replace(arrays.residual, native=False)
        arrays = replace(arrays, dst=replace(arrays.dst, native=False), residual=residual)
    dtypes = (spec.sum_dtype, after.tile_dtype, call.dtypes[2])
    how = {"algorithm": "auto", "of_settings": False, "prepared": False, "copies": ()}
    plan = call.make(replace(call, spec=after, arrays=arrays, dtypes=dtypes, **how))
    return Finish(spec, plan)
