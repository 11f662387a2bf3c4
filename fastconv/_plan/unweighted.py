# SPDX-License-Identifier: BSD-3-Clause
"""The path of a call of an operation without weights: some arrays in, one or two out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .._core import table
from .._core.arrays import empty
from .._core.measure import openmp_threads
from .._spec.arguments import as_operand, check_algorithm, check_threads
from .._spec.family import ArrayFamily, Result
from .._spec.operands import check_result
from .._spec.values import a_kind
from . import constants as costs
from .algorithms import names
from .compare import choose_threads, isas, make
from .execute import known, outlined, plan_dtypes, settle
from .kept import Store, frozen, keep, outline
from .layout import Layout, copy, native_copy
from .plan import PLAN_BYTES, Engine, Plan
from .settings import check_isa, current

_plans = Store()

OUTPUT_BYTES = 24  # of tables, for each output of an axis, at most
DTYPES = {"indices": np.int64, "where": np.bool_}  # that a shape stands for; others are of float32


class Seen(NamedTuple):
    """An array as a plan knows it."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype
    aligned: bool

    @classmethod
    def of(cls, array: Any) -> Seen:
        """Of an array, or of the outline of a contiguous one."""
        if isinstance(array, np.ndarray):
            return cls(array.shape, array.strides, array.dtype, array.flags.aligned)
        return cls.contiguous(*array[:2])

    @classmethod
    def contiguous(cls, shape: tuple[int, ...], dtype: np.dtype) -> Seen:
        """Of a new array."""
        strides, step = [], dtype.itemsize
        for n in reversed(shape):
            strides.append(step)
            step *= max(n, 1)
        return cls(shape, tuple(reversed(strides)), dtype, True)

    def layout(self, dtype: np.dtype, rank: int, channels_last: bool = False) -> Layout:
        """Its layout, if it has channels and `rank` spatial axes, seen from `dtype`."""
        return Layout.of(
            self.shape, self.strides, self.dtype, self.aligned, dtype, rank, channels_last
        )


@dataclass(frozen=True)
class ArrayCall:
    """What a plan is made for."""

    spec: Any  # of a family without weights
    inputs: tuple[Seen | None, ...]
    outputs: tuple[Seen, ...]
    algorithm: str  # a name or "auto"
    of_settings: bool  # it is that of `settings`, as the call does not name one
    isa: str
    threads: int
    shared: bool  # concurrent calls divide the threads among them
    fresh: bool = False  # the outputs are new arrays, which nobody sees if a call fails
    copies: tuple[str, ...] = ()  # of whole arrays, made after, in words
    plan_dtypes: Callable[..., Plan] = plan_dtypes  # plans the convolutions of this operation

    @property
    def moved_bytes(self) -> int:
        """All arrays, each once."""
        seen = (array for array in (*self.inputs, *self.outputs) if array is not None)
        return sum(prod(array.shape) * array.dtype.itemsize for array in seen)

    def with_results(self, spec: Any) -> ArrayCall:
        """The same into new arrays, as another specification asks for."""
        outputs = tuple(map(Seen.of, spec.results))
        return replace(self, spec=spec, outputs=outputs, fresh=True)

    def pack_words(self) -> str:
        """What is read, in words."""
        return self.spec.pack_words()

    def epilogue_words(self) -> str:
        """What becomes of what is computed, in words."""
        return self.spec.epilogue_words()

    def engine(self, run: Any, **more: Any) -> Engine:
        """What runs a plan: `run` (inputs, outputs)."""
        result = self.spec.results[0]
        # A plan holds tables of the outputs of each axis.
        more.setdefault("memory", PLAN_BYTES + OUTPUT_BYTES * sum(result.shape))
        return Engine(run, result.shape, result.dtype, result.dtype, **more)


def execute(
    family: ArrayFamily, name: str, rank: int, parameters: tuple, operands: tuple, how: tuple
):
    """Run a request: the parameters in the order of those of its family, (inputs, out), and
    (algorithm, threads)."""
    parameters, said = settle(family, parameters)
    given, out = operands
    arrays = tuple(
        None if value is None and i else as_operand(name, argument, value)
        for i, (argument, value) in enumerate(zip(family.inputs, given, strict=True))
    )
    plan = _find(family, name, rank, parameters, said, arrays, out, how)
    if out is None:
        outs = tuple(empty(result.shape, result.dtype) for result in plan.spec.results)
    else:
        outs = out if isinstance(out, tuple) else (out,)
        if _overlap(arrays, outs):
            apart = tuple(map(native_copy, outs))
            execute(
                family, name, rank, parameters, (arrays, apart if len(apart) > 1 else apart[0]), how
            )
            for to, array in zip(outs, apart, strict=True):
                copy(to, array)
            return out
    plan._engine.run(arrays, outs)
    return outs if len(outs) > 1 else outs[0]


def _overlap(arrays: tuple, outs: tuple) -> bool:
    """Whether writing the results would change what is still to be read."""
    return any(
        np.may_share_memory(out, array) for out in outs for array in arrays if array is not None
    )


def _find(family, name, rank, parameters, said, arrays, out, how) -> Plan:
    """The plan of a call, kept from one like it or made now; this checks all arguments."""
    each = parameters[: family.often]
    for value in each:
        if type(value) is not int:
            each = tuple(map(frozen, each))
            break
    algorithm, threads = how
    options = current()
    if threads is None:
        threads = options.threads
    key = (
        name,
        tuple(None if array is None else Seen.of(array) for array in arrays),
        each, said,
        algorithm if type(algorithm) is str else frozen(algorithm),
        (openmp_threads(),) if threads is None else frozen(threads),
        options,
        tuple(map(outline, out)) if isinstance(out, tuple) else None if out is None
        else outline(out),
    )  # fmt: skip
    plan = _plans.get(key)
    if plan is None:
        plan = _planned(family, name, rank, parameters, arrays, out, (algorithm, threads))
        keep(_plans, key, plan, plan._engine.memory)
    return plan


def _planned(family, name, rank, parameters, arrays, out, how) -> Plan:
    """A plan made now, for arrays or their outlines."""
    algorithm, threads = how
    seen = tuple(None if array is None else Seen.of(array) for array in arrays)
    sides = (None if one is None else (one.shape, one.dtype) for one in seen)
    spec = family.make_spec(name, rank, tuple(sides), **family.parameters(*parameters)._asdict())
    _check_out(spec, out)
    options = current()
    algorithm = check_algorithm(name, algorithm, names(type(spec)))
    of_settings = algorithm == "auto" and options.algorithm in names(type(spec))
    isa = None if options.isa is None else check_isa(options.isa, isas(), table.isas_compiled())
    threads = check_threads(name, threads)
    outs = spec.results if out is None else out if isinstance(out, tuple) else (out,)
    apart = out is not None and _overlap(tuple(map(known, arrays)), outs)
    call = ArrayCall(
        spec=spec,
        inputs=seen,
        outputs=tuple(map(Seen.of, outs)),
        algorithm=options.algorithm if of_settings else algorithm,
        of_settings=of_settings,
        isa=isa or isas()[-1],
        threads=1,
        shared=threads is None,
        fresh=out is None,
        copies=("out: whole, because it overlaps an input",) * apart,
    )
    moved = call.moved_bytes * costs.OPERATIONS_PER_THREAD // costs.BYTES_PER_THREAD
    work = max(spec.flops, moved)
    return make(replace(call, threads=choose_threads(work, threads)))


def _check_result(name: str, argument: str, out: Any, result: Result) -> None:
    """Raise unless `out` can take one result."""
    shape, dtype, chosen_by = result
    check_result(
        name, argument, out, shape, dtype,
        to_pass=lambda _: f", unless {chosen_by} says otherwise" if chosen_by else "",
    )  # fmt: skip


def _check_out(spec: Any, out: Any) -> None:
    """Raise unless `out` can take the results."""
    if hasattr(spec, "check_out"):
        spec.check_out(out)
        return
    if out is None:
        return
    results = spec.results
    if len(results) == 1:
        _check_result(spec.name, "out", out, results[0])
        return
    if not isinstance(out, tuple) or len(out) != len(results):
        what = f"{len(out)} arrays" if isinstance(out, tuple) else a_kind(out)
        raise TypeError(
            f"{spec.name}: out is {what}, but it must be a tuple of two arrays, values and indices"
        )
    for i, (one, result) in enumerate(zip(out, results, strict=True)):
        _check_result(spec.name, f"out[{i}]", one, result)
    if np.may_share_memory(*out):
        raise ValueError(
            f"{spec.name}: out is two arrays that share memory, but each must have its own"
        )


def explain(
    family: ArrayFamily, name: str, rank: int, parameters: tuple, operands: tuple, how: tuple
) -> Plan:
    """The plan of a request; inputs may be shapes."""
    parameters, _ = settle(family, parameters)
    given, out = operands
    arrays = tuple(
        None
        if value is None and i
        else outlined(name, argument, value, DTYPES.get(argument, np.float32))
        for i, (argument, value) in enumerate(zip(family.inputs, given, strict=True))
    )
    algorithm, threads = how
    how = (algorithm, current().threads if threads is None else threads)
    return _planned(family, name, rank, parameters, arrays, out, how)
