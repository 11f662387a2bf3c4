# SPDX-License-Identifier: BSD-3-Clause
"""Other ways to run a case of fuzzing.py, which give the same bits."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from random import Random

import numpy as np
from fuzz_arrays import FORMS_OF, OUTS
from fuzz_call import Call, Mismatch, operands, said_of, same_bits
from fuzz_masked import complete
from fuzz_shapes import IMAGES, KERNELS, function_of, kind_in, spec_of, with_defaults
from fuzz_sums import Refused, is_whole, native
from fuzz_truth import kind_of
from fuzz_unweighted import WINDOWED, WORDS, average
from ways import with_any_schedule, with_caches

import fastconv
from fastconv._core import table
from fastconv._plan.algorithms import ORIENTATIONS, names, offered
from fastconv._plan.factored import REASON

STILL = (*KERNELS, "bias", "first_bias")  # arrays that have no batch
FORMED = {*FORMS_OF} - {"threads", "algorithm"}
REFUSED = "but it must be another one"
ESTIMATED = "estimated"  # how the reason of a plan begins that could have run


def again(way):
    def run(call, case, base):
        if call.layered:
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
    ways = ("call", "shared") if call.layered else ("call",)
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
    said, rank = {**said_of(case), **changed}, len(case["sizes"]["sizes"])
    given = {name: array.astype(native(array.dtype), "C") for name, array in plain.items()}
    arrays, given = operands(case["op"], given, rank)
    with fastconv.settings(isa=case.get("isa")):
        return (function or function_of(case["op"], rank))(*arrays, **given, **said)


def plain_arrays(call, case, base):
    same_bits(on_plain_arrays(case, call.plain), base, "contiguous arrays")


def other_layout(call, case, base):
    if case["op"] in IMAGES:
        return
    last, rank = case["said"].get("channels_last", False), call.rank
    ends = (-1, -1 - rank) if last else (-1 - rank, -1)
    plain = of_all_axes(call.plain)
    moved = {name: a if name in STILL else np.moveaxis(a, *ends) for name, a in plain.items()}
    how, size = {"channels_last": not last}, case["said"].get("output_size")
    if isinstance(size, tuple) and len(size) > rank:  # a whole shape
        how["output_size"] = size[-1 - rank : -1] if last else size[-rank:]
    got = on_plain_arrays(case, moved, **how)
    same_bits(np.moveaxis(got, *ends[::-1]), base, f"channels_last={not last}")


def of_all_axes(plain):
    """The same with an axis of the mask for each of the input."""
    if "where" not in plain:
        return plain
    where, rank = plain["where"], plain["input"].ndim
    return plain | {"where": where.reshape((1,) * (rank - where.ndim) + where.shape)}


def split_batch(call, case, base):
    """Each part of the batch, or of the channels of an image, by itself."""
    images = case["op"] in IMAGES
    axis, sizes = (base.ndim - 1, "channels") if images else (0, "batch")
    if not case["sizes"][sizes] or base.shape[axis] < 2:
        return
    halves, plain = [], of_all_axes(call.plain)
    for half in (slice(0, 1), slice(1, None)):
        at = (slice(None),) * axis + (half,)
        alike = (*STILL, *["where"] * (len(plain.get("where", ())) == 1))
        parts = {name: a if name in alike else a[at] for name, a in plain.items()}
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
    plan = Call(case).run("plan")
    if plan.output_shape != base.shape or not str(plan):
        raise Mismatch(f"plan: output_shape is {plan.output_shape}, {base.shape} is right")
    if call.layered:
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
        (*_, bias), given = operands(case["op"], plain, call.rank)
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


# ---- functions without weights -----------------------------------------------------------------


def right(call, got, what):
    """Raise unless a result is the expected one; of another way its bits may be others."""
    wrong = call.truth.differs(got)
    if wrong:
        raise Mismatch(f"{what}: {wrong}")


def same(call, got, base, what):
    """Raise unless bits are the same; adaptive and global sums depend on the memory."""
    in_memory_order = average(call.op) and call.op not in WINDOWED
    right(call, got, what) if in_memory_order else same_bits(got, base, what)


def contiguous(call, case, base):
    same(call, on_plain_arrays(case, call.plain), base, "contiguous arrays")


def each_count_of_threads(call, case, base):
    for threads in (1, 2, 3):
        same_bits(Call(case).result(threads=threads), base, f"threads={threads}")


def each_algorithm(call, case, base):
    """Those that do not refuse; but sums without weights, all give the same bits."""
    for name in names(spec_of(call.op, call.rank))[1:]:
        try:
            got = Call(case).result(algorithm=name)
        except ValueError as error:
            if REFUSED not in str(error):
                raise
        else:
            right(call, got, f"algorithm={name!r}")
            if call.op == "masked_conv" and name != "reference":
                same_bits(got, base, f"algorithm={name!r}")


def each_isa(call, case, base):
    for isa in table.isas_usable():
        right(call, Call({**case, "isa": isa}).result(), isa)


def twice(call, case, base):
    """The same call again, whose plan is kept."""
    call.restore()
    same_bits(call.result(), base, "the same call again")


def moved_channels(call, case, base):
    """Channels first and last: of adaptive and global sums the order depends on it."""
    if "channels_last" not in WORDS[case["op"]] or case["op"] in ("unfold", "fold"):
        return
    last, rank, op = case["said"].get("channels_last", False), call.rank, case["op"]
    ends = (-1, -1 - rank) if last else (-1 - rank, -1)
    convention = case["said"].get("index_convention", "plane")
    if "where" in call.plain or (op == "max_unpool" and convention != "plane"):
        return  # the last value of a place would be another one
    moved = {n: a if n == "samples" else np.moveaxis(a, *ends) for n, a in call.plain.items()}
    how = {"channels_last": not last}
    size = case["said"].get("output_size")
    if op.endswith("unpool") and isinstance(size, tuple) and len(size) > rank:
        how["output_size"] = size[-1 - rank : -1] if last else size[-rank:]
    got = on_plain_arrays(case, moved, **how)
    if op == "unfold_view":
        return same_bits(got, base, f"channels_last={not last}")
    both = got if isinstance(got, tuple) else (got,)
    back = tuple(np.moveaxis(one, *ends[::-1]) for one in both)
    right(call, back if isinstance(got, tuple) else back[0], f"channels_last={not last}")


def each_image(call, case, base):
    """Each part of the batch by itself; flat indices count from its own first image."""
    batch = case["sizes"].get("batch")
    if not batch or batch[0] < 2 or "flat" in case["said"].get("index_convention", "plane"):
        return
    if case["said"].get("index_convention") == "nhwc_batch":
        return
    whole = case["said"].get("output_size")
    if isinstance(whole, tuple) and len(whole) > call.rank:
        return
    halves = []
    for half in (slice(0, 1), slice(1, None)):
        # Of what broadcasts along the batch, all images have the same.
        rank, images = call.plain["input"].ndim, len(call.plain["input"])
        parts = {
            name: a[half] if name == "samples" or (a.ndim == rank and len(a) == images) else a
            for name, a in call.plain.items() if name not in OUTS
        }  # fmt: skip
        halves.append(on_plain_arrays(case, parts))
    whole = tuple(map(np.concatenate, zip(*halves, strict=True))) if isinstance(base, tuple) else (
        np.concatenate(halves))  # fmt: skip
    same(call, whole, base, "the batch in two")


def explained(call, case, base):
    plan, first = Call(case).run("plan"), base[0] if isinstance(base, tuple) else base
    if plan.output_shape != first.shape or not str(plan):
        raise Mismatch(f"plan: output_shape is {plan.output_shape}, {first.shape} is right")


def seen_through(call, case, base):
    """unfold_view: nothing is copied."""
    view, x = call.run(), call.given["input"]
    if view.flags.writeable or (view.size and isinstance(x, np.ndarray)
                                and not np.may_share_memory(view, x)):  # fmt: skip
        raise Mismatch("view: it is writeable, or none")


def without_mask(call, case, base):
    """A plain convolution, where all elements of a window count."""
    plain = {name: array for name, array in call.plain.items() if name != "where"}
    if is_whole(plain["input"].dtype) and is_whole(plain["weight"].dtype):
        plain["input"] = plain["input"].astype("f8")
    said = {n: v for n, v in said_of(case).items() if n not in ("nan_policy", "algorithm")}
    how = {**case, "op": "conv", "said": said}
    plan = on_plain_arrays(how, plain, partial(fastconv.plan, call.function))
    if plan.algorithm != "separable":  # which has bits of its own
        here = complete(call.plain, said_of(case), case["sizes"])
        same_bits(base[here], on_plain_arrays(how, plain)[here], "where all elements count")


PLAIN = {"plain": contiguous, "batch": each_image, "layout": moved_channels,
         "positional": positional}  # fmt: skip
UNWEIGHTED = {
    **PLAIN, "threads": each_count_of_threads, "algorithm": each_algorithm, "isa": each_isa,
    "again": twice, "plan": explained, "caches": other_caches, "at once": at_once,
    "settings": in_settings,
}  # fmt: skip

MASKED = UNWEIGHTED | {"plain": plain_arrays, "batch": split_batch, "layout": other_layout,
                       "plan": planned, "calls": without_mask}  # fmt: skip


def ways_of(op):
    """Other ways to run an operation, by name."""
    if op == "masked_conv":
        return MASKED
    if op == "unfold_view":
        return PLAIN | {"view": seen_through}
    return UNWEIGHTED if op in WORDS else ALSO


# Not of the reference:
ENGINE = ("algorithm", "batch", "layout", "plain", "schedule", "calls", "caches")
