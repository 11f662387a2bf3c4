# SPDX-License-Identifier: BSD-3-Clause
"""One case of fuzzing.py: run it, compare it with the truth, and with other ways to run it."""

import math
import re
import warnings
from contextlib import suppress
from operator import index
from pathlib import Path

from fuzz_arrays import ARRAYS, MAY_BE_REFUSED
from fuzz_call import Call, Mismatch, said_of
from fuzz_families import FAMILIES, expected
from fuzz_sums import Refused
from fuzz_ways import ENGINE, ways_of
from fuzz_wrong import wrong

inf, nan, infj = math.inf, math.nan, complex(0, math.inf)
HOW = ("threads", "algorithm")
EVERYWHERE = (*HOW, "alpha", "beta", "dtype", "overflow", "activation")  # where there are weights
# What is said of an algorithm for other calls, or for other weights.
FOR_OTHERS = (
    "but it must be another one here",
    "than an outer product of 1-D kernels has",
    "is an outer product of 1-D kernels only to the rounding",
)


# Words that are in place of one another, for a call before.
OTHER = {
    "padding": ("full", "valid"), "padding_mode": ("edge", "wrap"),
    "overflow": ("wrap", "saturate"), "activation": ("relu", "relu6"),
    "depthwise_activation": ("relu", "relu6"), "algorithm": ("direct", "im2col_gemm"),
}  # fmt: skip


def check(case):
    """Run a case; raises `Mismatch` for what is wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if "wrong" in case:
            return check_refused(case)
        call = Call(case)
        said = {name: v for name, v in said_of(case).items() if name not in HOW}
        try:
            truth = call.truth = expected(case, call.plain, said)
        except Refused as why:
            return refused(call, "call", str(why))
        if "decoy" in case:
            decoy(case)
        try:
            base = call.result()
        except (TypeError, ValueError) as error:
            if any(form in MAY_BE_REFUSED for form in case.get("forms", {}).values()):
                return call.unchanged("refused")
            if any(words in str(error) for words in FOR_OTHERS):
                call.unchanged("refused")
                return check({**case, "said": {**case["said"], "algorithm": "auto"}})
            raise Mismatch(f"call: {type(error).__name__}: {error}") from error
        wrong = truth.differs(base)
        if wrong:
            raise Mismatch(f"call: {wrong}")
        for also in case.get("also", ()):
            if case["said"].get("algorithm") != "reference" or also not in ENGINE:
                run_also(also, call, case, base)


def run_also(also, call, case, base):
    """Another way; but for "separable", a kernel has to be shared, and a copy of it is not."""
    if also == "plan" and has_list_of_numbers(call, case):
        return
    try:
        ways_of(case["op"])[also](call, case, base)
    except ValueError as error:
        named = case["said"].get("algorithm") == "separable"
        if not named or FOR_OTHERS[0] not in str(error):
            raise


def has_list_of_numbers(call, case):
    """Whether an array is given as a list of numbers, which stands for a shape in a plan."""
    listed = (name for name, form in case.get("forms", {}).items() if form == "array of lists")
    return any(call.plain[name].ndim < 2 for name in listed if name in call.plain)


def decoy(case):
    """A call with another value of an argument, in an object that prints alike."""
    name = case["decoy"]
    value = case["said"].get(name)
    other = {
        bool: lambda: not value, int: lambda: value + 1, float: lambda: value + 1,
        tuple: lambda: tuple(v + 1 if isinstance(v, (int, float)) else v for v in value),
        str: lambda: next(word for word in OTHER.get(name, (value + "?",)) if word != value),
    }.get(type(value))  # fmt: skip
    if other is not None:
        with suppress(TypeError, ValueError):
            Call({**case, "said": {**case["said"], name: other()}}).run()


def refused(call, way, why, argument="", **changed):
    try:
        call.run(way, **changed)
    except (TypeError, ValueError) as error:
        names = rf"({call.function.__name__}|prepare|plan): "
        if argument not in str(error) or not re.match(names, str(error)):
            raise Mismatch(f"{way}: {argument} is not named: {error!r}") from error
        return call.unchanged(f"{way}, refused")
    raise Mismatch(f"{way}: not refused: {why}")


def is_size(value):
    """Whether it stands for a 1-D kernel in `plan`."""
    with suppress(Exception):  # of an object that is no integer
        return index(value) > 0
    return False


def check_refused(case):
    """One argument is wrong: it has to be named, unless something else is wrong, too."""
    argument, number = case["wrong"]
    # An algorithm for other calls would be named first.
    case = {**case, "forms": {}}
    if "algorithm" in case["said"]:
        case["said"] = {**case["said"], "algorithm": "auto"}
    call = Call(case)
    value = wrong(argument, number, call.rank, call.plain.get(argument), case["op"])
    ways = ("call", "call", "plan", "prepared")[: 2 + (case["op"] != "unfold_view") + call.layered]
    ways = ("call",) if argument in ("indices", "samples") else ways  # a plan sees no elements
    way, name = ways[number % len(ways)], FAMILIES[case["op"]].names.get(argument, argument)
    if way == "plan" and name == "kernels_1d" and is_size(value):
        return  # a number of taps
    shape = getattr(value, "shape", None)
    if argument in ("indices", "samples") and shape == call.plain[argument].shape and 0 in shape:
        return  # no element is wrong
    try:
        refused(call, way, f"{name}={value!r}"[:200], name, **{argument: value})
    except Mismatch:
        with suppress(Refused):
            said = {name: v for name, v in said_of(case).items() if name not in HOW}
            expected(case, call.plain, said)
            raise


def takes(op, argument, case):
    """Whether an operation has this argument, and a case this array."""
    if argument == "kernels_1d":
        return op == "separable_filter"
    if argument in ARRAYS:
        return argument in case
    family = FAMILIES[op]
    everywhere = EVERYWHERE if family.weighted else HOW if op != "unfold_view" else ()
    return argument in (*family.words, *everywhere)


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
