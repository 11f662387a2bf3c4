# SPDX-License-Identifier: BSD-3-Clause
"""The weights of a layer: packed once for each kind of plan, and what is known of their values."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from .._spec.operands import check_bias
from . import kept
from .cached import cached
from .layout import is_finite
from .plan import Engine, Plan


def largest(array: np.ndarray) -> int:
    """The largest magnitude of integers."""
    return max(-int(array.min()), int(array.max())) if array.size else 0


class Weights:
    """Weights and a bias, as arrays that do not change."""

    def __init__(self, array: np.ndarray, bias: np.ndarray | None = None):
        self.array = array
        self.bias = bias

    @cached
    def finite(self) -> bool:
        """Whether none is inf or NaN."""
        return is_finite(self.array)

    @cached
    def largest(self) -> int:
        """The largest magnitude of integers."""
        return largest(self.array)


class CallWeights(Weights):
    """Those of a call that runs several plans: packed once for each."""

    def __init__(self, array: np.ndarray, bias: np.ndarray | None):
        super().__init__(array, bias)
        self._ready: dict[int, tuple] = {}  # of plans that live as long as the call
        self._packed: dict[tuple, Any] = {}

    def chosen(
        self, plan: Plan, choose: Callable[..., Plan]
    ) -> tuple[Plan, Any, np.ndarray | None]:
        """The plan that `choose` takes, and weights and bias as it wants them."""
        found = self._ready.get(id(plan))
        if found is None:
            taken = plan
            for variant in plan._engine.variants:
                if not variant.reads_input and variant.holds(None, self):
                    taken = variant.plan()
                    break
            found = self._ready[id(plan)] = self.ready(taken)
        return found

    def ready(self, plan: Plan) -> tuple[Plan, Any, np.ndarray | None]:
        """The plan, and weights and bias as it wants them."""
        engine = plan._engine
        bias = engine.pad_bias(check_bias(plan.spec, self.bias, engine.bias_dtype))
        return plan, engine.pack and self._pack(engine), bias

    def _pack(self, engine: Engine) -> Any:
        if engine.packing not in self._packed:
            self._packed[engine.packing] = engine.pack(self)
        return self._packed[engine.packing]


class LayerWeights(Weights):
    """Those of a layer, which many calls share."""

    def __init__(self, array: np.ndarray, bias: np.ndarray | None):
        super().__init__(array, bias)
        self.lock = threading.RLock()
        _known.add(self)
        self._packed: dict[tuple, Any] = {}
        self._ready, self._chosen = kept.Store(), kept.Store()

    def chosen(
        self, plan: Plan, choose: Callable[..., Plan]
    ) -> tuple[Plan, Any, np.ndarray | None]:
        """The same as `ready`, of the plan that `choose` takes for these weights."""
        found = self._chosen.get(id(plan))
        if found is None:
            found = plan, self.ready(choose(plan, None, self))
            kept.keep(self._chosen, id(plan), found, plan._engine.memory)
        return found[1]

    def ready(self, plan: Plan) -> tuple[Plan, Any, np.ndarray | None]:
        """The plan, and weights and bias as it wants them."""
        found = self._ready.get(id(plan))  # of this plan: an entry keeps its plan alive
        if found is None:
            engine = plan._engine
            bias = engine.pad_bias(check_bias(plan.spec, self.bias, engine.bias_dtype))
            found = plan, self._pack(plan), bias
            kept.keep(self._ready, id(plan), found, engine.memory)
        return found

    def _pack(self, plan: Plan) -> Any:
        engine = plan._engine
        if engine.pack is None:
            return None
        key = (plan.spec.groups, *engine.packing)  # depthwise weights take several
        with self.lock:
            if key not in self._packed:
                self._packed[key] = engine.pack(self)
            return self._packed[key]


class SeveralWeights(tuple):
    """The `LayerWeights` of convolutions in a row, and what was made of all of them."""

    def __new__(cls, *each: LayerWeights):
        found = super().__new__(cls, each)
        found.stages = kept.Store()
        return found


_known: weakref.WeakSet[LayerWeights] = weakref.WeakSet()


def _after_fork() -> None:
    for weights in _known:  # in the child nobody is left to release the old locks
        weights.lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def locked() -> Iterator[None]:
    """For tests: inside, this thread has all locks, like one that packs weights and keeps plans."""
    with ExitStack() as stack:
        for weights in _known:
            stack.enter_context(weights.lock)
        stack.enter_context(kept.locked())
        yield
