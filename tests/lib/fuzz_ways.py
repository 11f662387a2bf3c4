# SPDX-License-Identifier: BSD-3-Clause
"""Other ways to run a case of fuzzing.py, which give the same bits."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random

import numpy as np
from fuzz_arrays import FORMS_OF
from fuzz_call import Call, Mismatch, operands, said_of, same_bits
from fuzz_shapes import IMAGES, KERNELS, function_of, kind_in, with_defaults
from fuzz_sums import Refused, native
from fuzz_truth import kind_of
from ways import with_any_schedule, with_caches

import fastconv
from fastconv._plan.algorithms import ORIENTATIONS, offered
from fastconv._plan.factored import REASON

STILL = (*KERNELS, "bias", "first_bias")  # arrays that have no batch
FORMED = {*FORMS_OF} - {"threads", "algorithm"}
ESTIMATED = "estimated"  # how the reason of a plan begins that could have run


def again(way):
    def run(call, case, base):
        if call.function._family.weighted:
            same_bits(Call(case).result(way), base, way)

    return run


def positional(call, case, base):
    same_bits(Call(case).result("positional"), base, "positional arguments")


def in_settings(call, case, base):
    """Threads and algorithm that hold for a block of code."""
    plain = {**case, "forms": {n: f for n, f in case.get("forms", {}).items() if n in FORMED}}
    same_bits(Call(plain).result("settings"), base, "settings")


def at_once(call, case, base):
    """Two calls at the same time, of arrays of their own, and of one layer."""
    ways = ("call", "shared") if call.function._family.weighted else ("call",)
    layer = Call(case).run("layer") if "shared" in ways else None
    with ThreadPoolExecutor(2) as pool:
        for way in ways:
            calls = [Call(case), Call(case)]
            for one in calls:
                one.layer = layer
            for got in pool.map(lambda one, way=way: one.result(way), calls):
                same_bits(got, base, f"two at once, {way}")


def other_threads(call, case, base):
    threads = 1 + case["said"].get("threads", 1) % 3
    same_bits(Call(case).result(threads=threads), base, f"threads={threads}")


def algorithms(case):
    """Those that could run the case with its bits, and the words for the parts of one."""
    if is_factored(case):
        return ["separable"]
    plan = Call({**case, "forms": {}}).run("plan", algorithm="auto")
    if plan.chosen == REASON or any(REASON in step for step in plan.steps):
        return [case["said"].get("algorithm", "auto")]
    able = [name for name, why in plan.refused if why.startswith(ESTIMATED)]
    parts = (name for row in offered() if row.name == plan.algorithm for name in row.parts)
    return [plan.algorithm, *able, *parts]


def is_factored(case):
    """Whether a kernel runs as its factors, which has bits of its own."""
    if case["op"] == "separable_filter":
        return False
    return Call({**case, "forms": {}}).run("plan").algorithm == "separable"


def other_algorithm(call, case, base):
    for name in algorithms(case):
        same_bits(Call(case).result(algorithm=name), base, f"algorithm={name!r}")


def other_schedule(call, case, base):
    """Any of the schedules that the plan could have chosen."""
    if not base.size:
        return
    random = Random(case["input"]["seed"])
    algorithm, orientation = random.choice(algorithms(case)), random.choice(ORIENTATIONS)
    with with_any_schedule(orientation, random):
        got = Call(case).result(algorithm=algorithm)
    same_bits(got, base, f"{algorithm}, {orientation} in vectors")


def other_caches(call, case, base):
    """Plans for other caches cut the work elsewhere."""
    random = Random(case["input"]["seed"])
    with with_caches(2 ** random.randint(10, 17)):
        for threads in (1, 2):
            same_bits(Call(case).result(threads=threads), base, "other caches")


def on_plain_arrays(case, plain, function=None, **changed):
    """The same of contiguous arrays."""
    said, rank = {**said_of(case), **changed}, len(case["sizes"]["taps"])
    given = {name: array.astype(native(array.dtype), "C") for name, array in plain.items()}
    x, weights, bias, given = operands(case["op"], given, rank)
    with fastconv.settings(isa=case.get("isa")):
        return (function or function_of(case["op"], rank))(x, *weights, bias, **given, **said)


def plain_arrays(call, case, base):
    same_bits(on_plain_arrays(case, call.plain), base, "contiguous arrays")


def other_layout(call, case, base):
    if case["op"] in IMAGES:
        return
    last, rank = case["said"].get("channels_last", False), call.rank
    ends = (-1, -1 - rank) if last else (-1 - rank, -1)
    moved = {name: a if name in STILL else np.moveaxis(a, *ends) for name, a in call.plain.items()}
    how, size = {"channels_last": not last}, case["said"].get("output_size")
    if isinstance(size, tuple) and len(size) > rank:  # a whole shape
        how["output_size"] = size[-1 - rank : -1] if last else size[-rank:]
    got = on_plain_arrays(case, moved, **how)
    same_bits(np.moveaxis(got, *ends[::-1]), base, f"channels_last={not last}")


def split_batch(call, case, base):
    """Each part of the batch, or of the channels of an image, by itself."""
    images = case["op"] in IMAGES
    axis, sizes = (base.ndim - 1, "channels") if images else (0, "batch")
    if not case["sizes"][sizes] or base.shape[axis] < 2:
        return
    halves = []
    for half in (slice(0, 1), slice(1, None)):
        at = (slice(None),) * axis + (half,)
        parts = {name: a if name in STILL else a[at] for name, a in call.plain.items()}
        if images and "bias" in parts and parts["bias"].ndim:
            parts["bias"] = parts["bias"][..., half]
        halves.append(on_plain_arrays(case, parts))
    same_bits(np.concatenate(halves, axis), base, "the batch in two")


def other_call(call, case, base):
    """The same as convolutions, where documentation says that the bits are those."""
    op, sizes, plain, said = case["op"], case["sizes"], dict(call.plain), said_of(case)
    if is_factored(case) or (sizes.get("outer") and "algorithm" in said):
        return
    said = {name: v for name, v in with_defaults(op, said).items() if name != "algorithm"}
    groups, w = sizes.get("groups"), plain.pop("weight", None)
    how = {**case, "said": said, "op": "conv"}
    if op == "depthwise_conv":
        got = on_plain_arrays(how, plain | {"weight": w}, groups=groups)
    elif op == "pointwise_conv":
        w = w.reshape(*w.shape[:2], *(1,) * call.rank)
        got = on_plain_arrays(how, plain | {"weight": w})
    elif op in ("filter2d", "filter_nd"):
        got = as_convolution(how, plain, w, case)
    elif op == "depthwise_separable_conv":
        first, last = kind_in(op, call.plain, sizes, said)
        window = ("stride", "padding", "dilation", "padding_mode", "padding_value",
                  "channels_last", "flip", "threads")  # fmt: skip
        one = {name: said[name] for name in window if name in said}
        sums = None if first.whole else first.sums
        sums = np.result_type(sums, "c8") if first.pairs else sums
        second = plain.pop("second")
        if sums is not None:  # what lies between may be wider than what two calls would sum
            with suppress(Refused):
                if kind_of(sums, second.dtype, last.result, "saturate", 1).sums != last.sums:
                    return
        one |= {"dtype": sums, "activation": said.get("depthwise_activation")}
        parts = {"input": plain["input"], "weight": w, "bias": plain.pop("first_bias", None)}
        between = on_plain_arrays(
            {**case, "said": one, "op": "conv"},
            {name: a for name, a in parts.items() if a is not None}, groups=groups,
        )  # fmt: skip
        second = second.reshape(*second.shape[:2], *(1,) * call.rank)
        rest = {n: v for n, v in said.items() if n not in window or n == "channels_last"}
        rest.pop("depthwise_activation", None)
        got = on_plain_arrays(
            {**case, "said": rest | {"dtype": last.result}, "op": "conv"},
            plain | {"input": between, "weight": second},
        )
    else:
        return
    same_bits(got, base, "as convolutions")


def as_convolution(how, plain, kernel, case):
    """A filter as a convolution of its channels."""
    rank, channels = kernel.ndim, case["sizes"]["channels"]
    count = int(np.prod(channels))
    kind = kind_in(case["op"], {**plain, "weight": kernel}, case["sizes"], said_of(case))[0]
    moved = {n: a.reshape(*a.shape[:rank], count) for n, a in plain.items() if n != "bias"}
    if "bias" in plain:
        moved["bias"] = np.broadcast_to(plain["bias"], channels).reshape(-1)
    moved["weight"] = np.repeat(kernel[None, None], count, 0)
    got = on_plain_arrays(how, moved, groups=count, channels_last=True, dtype=kind.result)
    return got.reshape(*got.shape[:-1], *channels)


def planned(call, case, base):
    listed = (name for name, form in case.get("forms", {}).items() if form == "array of lists")
    if any(call.plain[name].ndim < 2 for name in listed if name in call.plain):
        return  # a list of numbers stands for a shape here
    plan = Call(case).run("plan")
    if plan.output_shape != base.shape or not str(plan):
        raise Mismatch(f"plan: output_shape is {plan.output_shape}, {base.shape} is right")
    if call.function._family.weighted:
        layer = Call(case).run("layer plan")
        if layer.output_shape != base.shape:
            raise Mismatch(f"layer.plan: {layer.output_shape}, {base.shape} is right")
    plain = call.plain
    operands_of = [name for name in ("input", *KERNELS) if name in plain]
    if all(plain[name].dtype == np.float32 for name in operands_of) and "out" not in plain:
        if case["op"] == "separable_filter":
            outlines = [plain["input"].shape, [size or None for size in case["sizes"]["taps"]]]
        else:
            outlines = [plain[name].shape for name in operands_of]
        _, _, bias, given = operands(case["op"], plain, call.rank)
        other = fastconv.plan(call.function, *outlines, bias, **given, **said_of(case))
        if other.output_shape != base.shape:
            raise Mismatch(f"plan of shapes: {other.output_shape}, {base.shape} is right")


ALSO = {
    "prepared": again("prepared"), "again": again("pickled"), "threads": other_threads,
    "algorithm": other_algorithm, "batch": split_batch, "layout": other_layout,
    "plain": plain_arrays, "plan": planned, "schedule": other_schedule,
    "reused": again("reused"), "calls": other_call, "caches": other_caches,
    "positional": positional, "at once": at_once, "settings": in_settings,
}  # fmt: skip
# Not of the reference:
ENGINE = ("algorithm", "batch", "layout", "plain", "schedule", "calls", "caches")
