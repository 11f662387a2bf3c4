# SPDX-License-Identifier: BSD-3-Clause
"""Plans that depend on the values of arrays: which one is for these values, and its run."""

from __future__ import annotations

import numpy as np

from .layout import is_same
from .plan import Plan
from .weights import Weights


def choose(plan: Plan, src: np.ndarray | None, weights: Weights | None) -> Plan:
    """The plan for arrays, as far as they are known; it tells what it still depends on."""
    if weights is not None and plan._engine.check:
        plan._engine.check(weights)
    left = []
    for variant in plan._engine.variants:
        if weights is None or (variant.reads_input and src is None):
            left.append(variant)
        elif variant.holds(src, weights):
            return variant.plan()._replace(chosen=variant.reason)
    return plan._with_variants(tuple(left))


def run(plan, src, wei, packed, bias, residual, out, layer=None):
    """Run the plan, or the variant for these values, and return `out`.

    Of a layer: its weights, packed, and a bias that is padded. Of a call: `packed` is None, and the
    bias as `check_bias` returns it."""
    engine = plan._engine
    if engine.variants:
        # What a second time would need, the first one overwrites.
        once = plan.spec.reads_out or (residual is not None and is_same(residual, out))
        for variant in engine.variants:
            if (once or not variant.late) and variant.holds(src, layer or Weights(wei)):
                engine = variant.plan()._engine
                if layer is not None:
                    _, packed, bias = layer.ready(variant.plan())
                break
    padded = engine.pad_bias(bias) if layer is None else bias
    if not engine.run(src, wei, packed, padded, residual, out):
        engine = next(variant.plan()._engine for variant in engine.variants if variant.late)
        engine.run(src, wei, None, engine.pad_bias(bias), residual, out)
    return out
