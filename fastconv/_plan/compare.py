# SPDX-License-Identifier: BSD-3-Clause
"""A plan for a call: of the algorithms that are for it, the one that costs least."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from .._core import measure, table
from . import constants as costs
from .algorithms import Algorithm, offered
from .plan import Plan, make_plan
from .settings import default_threads
from .tiled import Call


@cache
def isas() -> tuple[str, ...]:
    """The ISAs that this CPU can run, the plainest first."""
    return table.isas_usable()


def choose_threads(operations: int, explicit: int | None) -> int:
    """As many as were asked for; by default fewer where there is little work."""
    if explicit is not None:
        return explicit
    limit = min(default_threads(), measure.openmp_threads())
    return max(1, min(limit, operations // costs.OPERATIONS_PER_THREAD))


def make(call: Call) -> Plan:
    """The plan of the best algorithm, or of the one that is named."""
    spec = call.spec
    rows = [row for row in offered() if isinstance(spec, row.family)]
    reasons = {row.name: _refusal(row, call) for row in rows}
    offers = {row.name: (row, row.candidate(call)) for row in rows if not reasons[row.name]}
    if not offers:
        raise ValueError(_not_here(call, rows, reasons[call.algorithm]))
    name = min(offers, key=lambda name: offers[name][1].cost)
    row, best = offers[name]
    for other, (_, candidate) in offers.items():
        reasons[other] = "the output is empty"
        if best.cost:
            reasons[other] = f"estimated {candidate.cost / best.cost:.2f}x slower"
    del reasons[name]
    told = best.part()._asdict()
    engine = told.pop("engine")._replace(cost=best.cost)
    plan = make_plan(
        engine,
        spec=spec,
        algorithm=name,
        flops=spec.flops,
        bytes=call.moved_bytes,
        refused=tuple(reasons.items()),
        output_shape=engine.output_shape,
        pack=call.pack_words(),
        epilogue=call.epilogue_words(),
        variants=(),
        chosen="",
        **told | {"copies": call.copies + told["copies"]},
    )
    return plan._with_variants(row.variants(call, make))


def _not_here(call: Call, rows: list[Algorithm], reason: str) -> str:
    """The message for an algorithm that refuses a call: where it was said, and what there is."""
    said = ", as settings or FASTCONV_ALGORITHM say" * call.of_settings
    unnamed = replace(call, algorithm="auto")
    words = [repr("auto")]
    words += [repr(row.name) for row in rows if not row.refuses(unnamed)]
    return (
        f"{call.spec.name}: algorithm is {call.algorithm!r}{said}, but it must be another one "
        f"here: {reason}; possible are {', '.join(words[:-1])} and {words[-1]}"
    )


def _refusal(row: Algorithm, call: Call) -> str | None:
    """Why a row is not taken, whatever it would cost."""
    if row.only_named and call.algorithm != row.name:
        return f"only by name: {row.only_named}"
    if call.algorithm not in ("auto", row.name, *row.parts):
        return f"algorithm={call.algorithm!r} was asked for"
    return row.refuses(call)
