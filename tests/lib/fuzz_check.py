# SPDX-License-Identifier: BSD-3-Clause
"""One case of fuzzing.py: run it in every way that has to give the same, and compare."""

import math
import pickle
import re
import warnings
from contextlib import suppress
from pathlib import Path
from random import Random

import numpy as np
from fuzz_arrays import FORMS_OF, MAY_BE_REFUSED, as_dtype, close, formed, made, own_bytes
from fuzz_truth import Refused, expected, native
from fuzz_wrong import wrong
from ways import ALGORITHMS, DEPTHWISE, WAYS, with_any_schedule

import fastconv

inf, nan, infj = math.inf, math.nan, complex(0, math.inf)
CONV = {1: fastconv.conv1d, 2: fastconv.conv2d, 3: fastconv.conv3d}
ARRAYS = ("out", "input", "weight", "bias", "residual")  # in this order they are filled
HOW = ("threads", "algorithm")


class Mismatch(Exception):
    """A case went wrong, and how."""


# ---- one call ----------------------------------------------------------------------------------


class Call:
    """The arrays of a case in fresh memory, and its arguments in the types that it asks for."""

    def __init__(self, case):
        self.case, self.rank = case, len(case["weight"]["shape"]) - 2
        self.views, memory = {}, {}
        for name in ARRAYS:
            array = case.get(name)
            if array == "out":
                self.views[name] = self.views["out"]
            elif array is not None:
                owner = array.get("over")
                self.views[name], memory[name] = made(array, memory.get(owner))
                others = [n for n in memory if case[n].get("over") == name]
                for other in others:  # it was made before the memory that it lies in
                    self.views[other], memory[other] = made(case[other], memory[name])
                    self.views[name], _ = made(array, memory[name])
        self.plain = {name: np.array(view) for name, view in self.views.items()}
        for name, view in self.views.items():
            if name != "out" and case[name] != "out":
                close(case[name], view, memory[name])
        self.memory = list({id(m): m for m in memory.values()}.values())
        self.kept = [m.copy() for m in self.memory]
        self.own = [
            own_bytes(case["out"], m) if m is memory.get("out") else np.zeros(m.size, bool)
            for m in self.memory
        ]
        self.said = said_of(case)
        self.given = dict(self.views)
        for name, form in case.get("forms", {}).items():
            place = self.said if name in self.said else self.given
            if name in place:
                place[name] = formed(place[name], form)
        for name in ("input", "weight", "bias", "residual"):
            if case.get("forms", {}).get(name) == "array of lists":
                self.plain[name] = np.asarray(self.given[name])
        if case.get("residual") == "out":
            self.given["residual"] = self.given["out"]

    def run(self, way="call", **changed):
        """The result; the layer is made of weights and lists that change afterwards."""
        said, given = {**self.said, **changed}, dict(self.given)
        given.update({name: said.pop(name) for name in FORMS_OF if name in said and name in ARRAYS})
        x, w, bias = given.pop("input"), given.pop("weight"), given.pop("bias", None)
        with fastconv.settings(isa=self.case.get("isa")):
            if way == "plan":
                return fastconv.plan(CONV[self.rank], x, w, bias, **given, **said)
            if way == "call":
                return CONV[self.rank](x, w, bias, **given, **said)
            layer = fastconv.prepare(w, bias, **said)
        if way == "pickled":
            layer = pickle.loads(pickle.dumps(layer))
        if way == "reused":
            narrow = np.zeros(self.plain["input"].shape, np.int8)
            with suppress(TypeError, ValueError):
                layer(narrow, **given)
            self.restore()
        for value in said.values():
            if type(value) is list:
                value.clear()
            elif type(value) is np.ndarray and value.ndim:
                value[:] = 0
        alone = not any("over" in array for array in map(self.case.get, self.views) if array)
        kept = {name: self.views[name].copy() for name in ("weight", "bias")
                if alone and name in self.views and "page" not in self.case[name]
                and self.views[name].flags.writeable}  # fmt: skip
        for name in kept:
            self.views[name][...] = 0
        try:
            with fastconv.settings(isa=self.case.get("isa")):
                return layer(x, **given)
        finally:
            for name, values in kept.items():
                self.views[name][...] = values

    def restore(self):
        """The memory as it was, where it may be written."""
        for memory, kept, own in zip(self.memory, self.kept, self.own, strict=True):
            memory[own] = kept[own]

    def result(self, way="call", **changed):
        """The result, once it is known that nothing else was written."""
        got = self.run(way, **changed)
        out = self.given.get("out")
        if out is not None and got is not out:
            raise Mismatch(f"{way}: returns another array than out")
        if type(got) is not np.ndarray and type(got) is not type(out):
            raise Mismatch(f"{way}: returns a {type(got).__name__}")
        self.unchanged(way, self.own)
        return np.array(got, native(got.dtype))

    def unchanged(self, what, but=None):
        for at, (memory, kept) in enumerate(zip(self.memory, self.kept, strict=True)):
            changed = memory != kept
            if but is not None:
                changed &= ~but[at]
            if changed.any():
                raise Mismatch(f"{what}: {np.count_nonzero(changed)} bytes beside out changed")


def said_of(case):
    said = dict(case["said"])
    if said.get("dtype") == "bf16":
        said["dtype"] = as_dtype("bf16")
    return said


# ---- one case ----------------------------------------------------------------------------------


def same_bits(got, base, what):
    """But for the sign of a zero and what a NaN holds."""
    if got.shape != base.shape or got.dtype != base.dtype:
        raise Mismatch(f"{what}: {got.shape} {got.dtype}, one call gives {base.shape} {base.dtype}")
    same = (got == base) | ((got != got) & (base != base))
    if got.dtype.kind == "c":
        a, b = (np.stack([c.real, c.imag]) for c in (got, base))
        same = ((a == b) | ((a != a) & (b != b))).all(0)
    if not same.all():
        at = tuple(int(i) for i in np.argwhere(~same)[0])
        raise Mismatch(f"{what}: {got[at]} at {at}, one call gives {base[at]}; "
                       f"{np.count_nonzero(~same)} of {same.size} differ")  # fmt: skip


def check(case):
    """Run a case; raises `Mismatch` for what is wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if "wrong" in case:
            return check_refused(case)
        call = Call(case)
        said = {name: v for name, v in said_of(case).items() if name not in HOW}
        plain = dict(call.plain)
        before = plain.pop("out", None)
        try:
            truth = expected(
                plain.pop("input"), plain.pop("weight"), before=before, **plain, **said
            )
        except Refused as why:
            return refused(call, "call", str(why))
        if "decoy" in case:
            decoy(case)
        try:
            base = call.result()
        except (TypeError, ValueError) as error:
            if any(form in MAY_BE_REFUSED for form in case.get("forms", {}).values()):
                return call.unchanged("refused")
            raise Mismatch(f"call: {type(error).__name__}: {error}") from error
        wrong = truth.differs(base)
        if wrong:
            raise Mismatch(f"call: {wrong}")
        for also in case.get("also", ()):
            if case["said"].get("algorithm") != "reference" or also not in ENGINE:
                ALSO[also](case, base, call.plain)


def decoy(case):
    """A call with another value of an argument, in an object that prints alike."""
    name = case["decoy"]
    value = case["said"].get(name)
    other = {
        bool: lambda: not value, int: lambda: value + 1, float: lambda: value + 1,
        tuple: lambda: tuple(v + 1 if isinstance(v, (int, float)) else v for v in value),
    }.get(type(value))  # fmt: skip
    if other is not None:
        with suppress(TypeError, ValueError):
            Call({**case, "said": {**case["said"], name: other()}}).run()


def refused(call, way, why, argument="", **changed):
    try:
        call.run(way, **changed)
    except (TypeError, ValueError) as error:
        if argument not in str(error) or not re.match(r"(conv[123]d|prepare|plan): ", str(error)):
            raise Mismatch(f"{way}: {argument} is not named: {error!r}") from error
        return call.unchanged(f"{way}, refused")
    raise Mismatch(f"{way}: not refused: {why}")


def check_refused(case):
    """One argument is wrong: it has to be named, unless something else is wrong, too."""
    argument, number = case["wrong"]
    call = Call({**case, "forms": {}})
    if argument in ARRAYS and argument not in call.plain:
        return
    value = wrong(argument, number, call.rank, call.plain.get(argument))
    way = ("call", "call", "prepared", "plan")[number % 4]
    try:
        refused(call, way, f"{argument}={value!r}"[:200], argument, **{argument: value})
    except Mismatch:
        with suppress(Refused):
            said = {name: v for name, v in said_of(case).items() if name not in HOW}
            x, w, before = (call.plain.get(name) for name in ("input", "weight", "out"))
            expected(x, w, call.plain.get("bias"), call.plain.get("residual"), before, **said)
            raise


def again(way):
    def run(case, base, plain):
        same_bits(Call(case).result(way), base, way)

    return run


def other_threads(case, base, plain):
    threads = 1 + case["said"].get("threads", 1) % 3
    same_bits(Call(case).result(threads=threads), base, f"threads={threads}")


def other_algorithm(case, base, plain):
    for name in ALGORITHMS:
        same_bits(Call(case).result(algorithm=name), base, f"algorithm={name!r}")


def on_plain_arrays(case, plain, **changed):
    """The same of contiguous arrays."""
    said = {**said_of(case), **changed}
    given = {name: array.astype(native(array.dtype), "C") for name, array in plain.items()}
    x, w = given.pop("input"), given.pop("weight")
    with fastconv.settings(isa=case.get("isa")):
        return CONV[w.ndim - 2](x, w, **given, **said)


def plain_arrays(case, base, plain):
    same_bits(on_plain_arrays(case, plain), base, "contiguous arrays")


def other_layout(case, base, plain):
    last, rank = case["said"].get("channels_last", False), plain["weight"].ndim - 2
    ends = (-1, -1 - rank) if last else (-1 - rank, -1)
    moved = {name: a if name in ("weight", "bias") else np.moveaxis(a, *ends)
             for name, a in plain.items()}  # fmt: skip
    got = on_plain_arrays(case, moved, channels_last=not last)
    same_bits(np.moveaxis(got, *ends[::-1]), base, f"channels_last={not last}")


def split_batch(case, base, plain):
    if plain["input"].ndim != plain["weight"].ndim or len(base) < 2:
        return
    halves = []
    for half in (slice(0, 1), slice(1, None)):
        parts = {name: a if name in ("weight", "bias") else a[half] for name, a in plain.items()}
        halves.append(on_plain_arrays(case, parts))
    same_bits(np.concatenate(halves), base, "the batch in two")


def other_schedule(case, base, plain):
    """Any of the schedules that the plan could have chosen."""
    if not base.size:
        return
    random = Random(case["input"]["seed"])
    one = plain["weight"].shape[1] == 1 and base.dtype.kind != "c"
    algorithm, orientation = random.choice(WAYS + DEPTHWISE * one)
    with with_any_schedule(orientation, random):
        got = Call(case).result(algorithm=algorithm)
    same_bits(got, base, f"{algorithm}, {orientation} in vectors")


def planned(case, base, plain):
    plan = Call(case).run("plan")
    if plan.output_shape != base.shape or not str(plan):
        raise Mismatch(f"plan: output_shape is {plan.output_shape}, {base.shape} is right")
    if plain["input"].dtype == plain["weight"].dtype == np.float32 and "out" not in plain:
        shapes = (plain[name].shape for name in ("input", "weight"))
        said = {**said_of(case), **{n: a for n, a in plain.items() if n in ("bias", "residual")}}
        other = fastconv.plan(CONV[plain["weight"].ndim - 2], *shapes, **said)
        if other.output_shape != base.shape:
            raise Mismatch(f"plan of shapes: {other.output_shape}, {base.shape} is right")


ALSO = {
    "prepared": again("prepared"), "again": again("pickled"), "threads": other_threads,
    "algorithm": other_algorithm, "batch": split_batch, "layout": other_layout,
    "plain": plain_arrays, "plan": planned,
    "schedule": other_schedule, "reused": again("reused"),
}  # fmt: skip


ENGINE = ("algorithm", "batch", "layout", "plain", "schedule")  # not of the reference


def failure(case):
    """What is wrong with a case, in words; "" if nothing is."""
    try:
        check(case)
    except Mismatch as error:
        return str(error)
    except Exception as error:
        at = error.__traceback__
        while at.tb_next:
            at = at.tb_next
        place = f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}"
        return f"{type(error).__name__}: {error} ({place})"
    return ""
