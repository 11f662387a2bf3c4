# SPDX-License-Identifier: BSD-3-Clause
"""Random calls, for fuzzing.py: a case is a dict of plain values, which prints as Python."""

import math
from random import Random

import numpy as np
from fuzz_arrays import FORMS_OF, as_dtype, described, extent, packed
from fuzz_truth import Refused, dtypes, is_whole, padding_of
from ways import ALGORITHMS

from fastconv._core import table

inf, nan, infj = math.inf, math.nan, complex(0, math.inf)
ISAS = table.isas_usable()
REAL = ("f2", "f4", "f8", "bf16", ">f4", ">f8", ">f2")
WHOLE = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i2", ">u4", ">i8")
PAIRS = ("c8", "c16", ">c8", ">c16")
MODES = ("constant", "edge", "wrap", "mirror", "symmetric")
PADDINGS = ("valid", "full", "same", "same_upper", "same_lower", "same_torch")
ACTIVATIONS = ("relu", "relu6", "sigmoid", "tanh", "silu", "gelu", "hardswish")
MOST = 200_000  # multiply-adds
LARGE = (
    8_000_000  # of a few cases: integers are looked at, whether they are small, from 2 million on
)
ALSO = ("prepared", "threads", "algorithm", "batch", "layout", "plain", "plan", "again",
        "schedule", "reused")  # fmt: skip


def drawn(seed, number):
    """Case `number` of a seed."""
    random = Random(f"{seed} {number}")
    while True:
        try:
            case = draw(random)
        except Refused:
            continue
        if case:
            return case


def some(random, *weighted):
    """One of (weight, value) pairs."""
    return random.choices([v for _, v in weighted], [w for w, _ in weighted])[0]


def per_axis(random, rank, one):
    """One value, or one per axis."""
    if random.random() < 0.4:
        return one()
    return tuple(one() for _ in range(rank if random.random() < 0.9 else 1))


def draw(random):
    rank = some(random, (3, 1), (5, 2), (2, 3))
    large = random.random() < 0.006
    shapes = draw_shapes(random, rank, large)
    if shapes is None:
        return None
    x_shape, w_shape, y_shape, said = shapes
    last = said.get("channels_last", False)
    x_dtype, w_dtype = draw_dtypes(random, large)
    kind = some(random, (8, "normal"), (3, "small"), (2, "special"), (1, "huge"), (1, "tiny"),
                (1, "ends"), (1, "zero"))  # fmt: skip
    kinds = [kind if random.random() < 0.5 else "normal" for _ in range(5)]
    case = {
        "input": described(random, x_shape, x_dtype, kinds[0]),
        "weight": described(random, w_shape, w_dtype, kinds[1]),
    }
    wanted = draw_result(random, x_dtype, w_dtype, said)
    x, w = as_dtype(x_dtype), as_dtype(w_dtype)
    sums, result = dtypes(*(d if d.kind == "V" else d.newbyteorder("=") for d in (x, w)),
                          None if wanted is None else as_dtype(wanted),
                          math.prod(w_shape[1:]))  # fmt: skip
    whole, pairs = is_whole(sums), result.kind == "c"
    if is_whole(result) and (not whole or random.random() < 0.3):
        said["overflow"] = "saturate"
    addends = WHOLE if whole else (*REAL, *WHOLE)
    if random.random() < 0.5:
        dtype = random.choice((*addends, *PAIRS) if pairs else addends)
        outputs = (y_shape[-1] if last else y_shape[-1 - rank],)
        case["bias"] = described(random, outputs, dtype, kinds[2])
    name = "bf16" if result.kind == "V" else result.str[1:]
    if random.random() < 0.55:
        swapped = name[-1] != "1" and name != "bf16" and random.random() < 0.15
        case["out"] = described(
            random, y_shape, ">" + name if swapped else name, kinds[3], readable=False
        )
        if random.random() < 0.4:
            said["beta"] = number(random, whole)
    if random.random() < 0.4:
        dtype = random.choice(PAIRS if pairs else (name, name, *addends))
        case["residual"] = described(random, y_shape, dtype, kinds[4])
    if random.random() < 0.4:
        said["alpha"] = number(random, whole)
    draw_border(random, rank, x, said)
    if not pairs and random.random() < 0.4:
        said["activation"] = draw_activation(random, whole)
    overlap(random, case)
    if random.random() < 0.5:
        said["algorithm"] = random.choice(("auto", *sorted(ALGORITHMS * 2), "reference"))
    if random.random() < 0.6:
        said["threads"] = random.choice((1, 2, 3))
    case["said"] = said
    case["isa"] = random.choice(ISAS)
    if random.random() < 0.35:
        draw_forms(random, case)
    case["also"] = [name for name in ALSO if random.random() < 0.25]
    if random.random() < 0.12:
        argument = random.choice(tuple(FORMS_OF))
        case["wrong"] = (argument, random.randrange(1000))
    return case


def number(random, whole):
    if whole:
        return random.choice((2, -1, 3, 0, 7, -5, 2**40, -(2**63), 2**63 - 1))
    some_real = (0.5, -1.5, 0.1, 3, -1, 0, 1.0, 1e-3, 1e-42, 7e30, 2**70, inf, nan, -0.0)
    return random.choice(some_real if random.random() < 0.5 else some_real[:5])


def draw_shapes(random, rank, large):
    """(shapes of input, weight and output, what is said of them), or None: too large."""
    size = {1: (3, 7, 13, 19, 31, 67), 2: (2, 3, 5, 7, 11, 17), 3: (1, 2, 3, 4, 5, 7)}[rank]
    c_in = some(random, (9, random.choice((1, 2, 3, 5))), (3, random.choice((7, 16, 17, 31))),
                (1, random.choice((257, 300, 521))), (0.4, 0))  # fmt: skip
    c_out = some(random, (9, random.choice((1, 2, 3, 5))), (4, random.choice((7, 8, 13, 17, 33))),
                 (1, random.choice((64, 97))))  # fmt: skip
    groups = some(random, (6, 1), (2, 2), (1, 3), (1, random.choice((5, 8))))
    if random.random() < 0.1:
        groups, c_in, c_out = groups * c_in or 1, 1, random.choice((1, 1, 2))
    taps = [some(random, (3, 1), (3, 2), (4, 3), (1, 5), (1, 7)) for _ in range(rank)]
    if random.random() < 0.15:
        taps = [1] * rank
    sizes = [random.choice(size) for _ in range(rank)]
    if random.random() < 0.12:  # few pixels of many channels
        sizes = [random.choice((1, 2, 3)) for _ in range(rank)]
        c_out = random.choice((c_out, 5, 16, 29, 64))
    if random.random() < 0.05:
        taps[random.randrange(rank)] = random.choice((41, 259, 300))
    if random.random() < 0.08:
        sizes[random.randrange(rank)] = random.choice((1, 131, 517, 1031, 4099))
    if random.random() < 0.03:
        sizes[random.randrange(rank)] = 0
    if large:
        c_in, c_out, groups = random.choice((41, 67)), random.choice((47, 64, 97)), 1
        taps = [{1: 7, 2: 3, 3: 2}[rank]] * rank
        sizes = [{1: 203, 2: random.choice((13, 19)), 3: random.choice((6, 7))}[rank]] * rank
    said = {}

    def one():
        return some(random, (4, 1), (2, 2), (1, 3), (1, 4))

    for argument in ("stride", "dilation"):
        if random.random() < 0.45:
            said[argument] = per_axis(random, rank, one)
    chance = random.random()
    if chance < 0.2:
        said["padding"] = random.choice(PADDINGS)
    elif chance < 0.5:
        said["padding"] = per_axis(random, rank, lambda: random.choice((0, 1, 2, 3, -1)))
    elif chance < 0.75:
        side = (0, 1, 2, 3, -1, -2, 5, 9)
        said["padding"] = tuple((random.choice(side), random.choice(side)) for _ in range(rank))
    if groups > 1:
        said["groups"] = groups
    if random.random() < 0.35:
        said["channels_last"] = random.random() < 0.9
    if random.random() < 0.2:
        said["flip"] = random.random() < 0.8
    batch = some(random, (3, ()), (4, (1,)), (3, (2,)), (2, (3,)), (0.3, (0,)), (0.2, (7,)))

    def listed(value):
        value = value if isinstance(value, tuple) else (value,)
        return value * rank if len(value) == 1 else value

    stride, dilation = listed(said.get("stride", 1)), listed(said.get("dilation", 1))
    outputs = []
    for axis in range(rank):
        n, k, s, d = sizes[axis], taps[axis], stride[axis], dilation[axis]
        axes = list(zip(sizes, taps, stride, dilation, strict=True))
        before, after = padding_of(said.get("padding", 0), axes)[axis]
        lacking = d * (k - 1) + 1 - (n + before + after)
        if lacking > 0 and n:
            n = sizes[axis] = n + lacking + random.choice((0, 0, 1, 2))
            axes = list(zip(sizes, taps, stride, dilation, strict=True))
            before, after = padding_of(said.get("padding", 0), axes)[axis]
        outputs.append((n + before + after - d * (k - 1) - 1) // s + 1)
    if min(outputs) < 1:
        return None
    work = math.prod(max(1, n) for n in (*batch, groups, c_in, c_out, *outputs, *taps))
    if work > (LARGE if large else MOST) or math.prod((*batch, groups * c_in, *sizes)) > 60_000:
        return None

    def seen(channels, sizes):
        last = said.get("channels_last", False)
        return (*batch, *sizes, channels) if last else (*batch, channels, *sizes)

    x, y = seen(groups * c_in, sizes), seen(groups * c_out, outputs)
    return x, (groups * c_out, c_in, *taps), y, said


def draw_dtypes(random, large):
    if large and random.random() < 0.8:
        return random.choice(("i8", "u8", "u4")), random.choice(("i4", "i8", ">u8"))
    one, other = (random.choice(random.choice((REAL, WHOLE, PAIRS))) for _ in range(2))
    chance = random.random()
    if chance < 0.3:
        return random.choice((("f4", "f4"), ("f8", "f8"), ("u1", "i1"), ("c8", "c8")))
    return (one, one) if chance < 0.6 else (one, other)


def draw_result(random, x_dtype, w_dtype, said):
    """The dtype that is asked for, if one is."""
    if random.random() < 0.6:
        return None
    pairs = x_dtype in PAIRS or w_dtype in PAIRS
    dtype = random.choice(PAIRS[:2] if pairs else (*REAL[:4], *WHOLE[1:9], *PAIRS[:1]))
    said["dtype"] = dtype
    return dtype


def draw_border(random, rank, x, said):
    if random.random() < 0.5:
        said["padding_mode"] = per_axis(random, rank, lambda: random.choice(MODES))
    # A value that no axis uses is refused.
    if random.random() < 0.5 and "constant" in said.get("padding_mode", "constant"):
        if x.kind == "b":
            value = random.choice((0, 1))
        elif is_whole(x):
            limits = np.iinfo(x)
            value = random.choice((1, 3, 0, int(limits.min), int(limits.max)))
        else:
            value = random.choice((1, -2.5, 0.1, 3, 0, -0.0, 1e-60, 1e30, inf, -inf, nan))
            if x.kind == "c" and random.random() < 0.5:
                value = random.choice((1 + 2j, -3j, 0j, infj))
        said["padding_value"] = value


def draw_activation(random, whole):
    ends = sorted(random.choice((-3, 0, 2, 5, 100, -100, 2**40)) for _ in range(2))
    slope = random.choice((0.1, -0.5, 0, 2, 0.3))
    if not whole and random.random() < 0.5:
        ends = [ends[0] - 0.5, random.choice((ends[1] + 0.25, inf))]
    words = ("relu", "relu6", ("clip", *ends), "none")
    if whole:
        return random.choice(words)
    return random.choice((*words, ("leaky_relu", slope), *ACTIVATIONS))


def overlap(random, case):
    """Let some outputs share memory with an operand."""
    if "out" not in case or random.random() < 0.75:
        return
    out, others = case["out"], [name for name in case if name != "out"]
    name = "residual" if "residual" in case and random.random() < 0.5 else random.choice(others)
    if 0 in out["shape"] or 0 in case[name]["shape"]:
        return
    if name == "residual" and case[name]["dtype"] == out["dtype"] and random.random() < 0.6:
        case["residual"] = {**out, "over": "out"} if random.random() < 0.5 else "out"
        case["out"].pop("page", None)
        if case["residual"] != "out":
            case["residual"].pop("page", None)
        return
    spans = []
    for array in (out, case[name]):
        for word in ("page", "read_only"):
            array.pop(word, None)
        itemsize = as_dtype(array["dtype"]).itemsize
        strides = array.get("strides", packed(array["shape"], itemsize))
        spans.append(extent(array["shape"], itemsize, strides))
    lengths = [end - first for first, end in spans]
    shift = random.choice((0, 0, 1, 4, 8, random.randrange(lengths[1])))
    starts = (shift, 0) if random.random() < 0.7 else (0, random.randrange(lengths[0]))
    size = max(start + length for start, length in zip(starts, lengths, strict=True))
    for array, (first, _), start in zip((out, case[name]), spans, starts, strict=True):
        array["start"], array["size"] = start - first, size
    out["over"] = name


def draw_forms(random, case):
    """Objects of other types for some arguments, and a call before with another value."""
    forms = {}
    given = [*case["said"], *(name for name in case if name in FORMS_OF)]
    for name in random.sample(given, min(len(given), random.choice((1, 1, 2, 4)))):
        form = random.choice(FORMS_OF[name])
        if name in FORMS_OF and name in case:
            plain = case[name]["dtype"] if case[name] != "out" else "none"
            if form == "array of lists" and (
                plain not in ("?", "i8", "f8", "c16") or 0 in case[name]["shape"]
            ):
                continue
            if plain == "none" or (form == "memoryview" and plain == "bf16"):
                continue
        value = case["said"].get(name)
        if isinstance(value, complex) and form in ("float", "decimal", "fraction"):
            continue
        forms[name] = form
    case["forms"] = forms
    if "same" not in forms and forms and random.random() < 0.5:
        case["decoy"] = random.choice(tuple(forms))


# ---- smaller cases -----------------------------------------------------------------------------


def without(case, *path):
    """The case without one of its words."""
    *above, last = path
    case = dict(case)
    if above:
        case[above[0]] = without(case[above[0]], last)
    else:
        del case[last]
    return case


def smaller(case):
    """Cases that are simpler than this one, the simplest first."""
    for name in ("also", "decoy", "forms", "residual", "bias", "out", "isa"):
        if case.get(name) and not (name == "out" and case["said"].get("beta")):
            yield without(case, name)
    for name in case.get("also", ()):
        yield {**case, "also": [name]}
    for part in ("said", "forms"):
        for name in case.get(part, ()):
            if name not in ("groups", "channels_last", "overflow", "dtype"):
                yield without(case, part, name)
    yield from smaller_shapes(case)
    for name in FORMS_OF:
        array = case.get(name)
        if array and array != "out":
            plain = {word: array[word] for word in ("shape", "dtype", "seed", "kind")}
            if "over" not in array and not any(
                isinstance(a, dict) and a.get("over") == name for a in case.values()
            ):
                for more in ((), ("page",), ("strides", "start", "size")):
                    simple = plain | {w: array[w] for w in more if w in array}
                    if simple.keys() != array.keys():
                        yield {**case, name: simple}
            if array["kind"] != "small":
                yield {**case, name: {**array, "kind": "small"}}


def smaller_shapes(case):
    """Cases of smaller sizes, in the same strides."""
    said = case["said"]
    x, w = case["input"]["shape"], case["weight"]["shape"]
    rank = len(w) - 2
    last, batched = said.get("channels_last", False), len(x) == len(w)
    channels = -1 if last else -1 - rank
    axes = [axis - len(x) for axis in range(len(x)) if axis - len(x) != channels]
    axes = axes[batched:]

    def replaced(shape, axis, n):
        shape = list(shape)
        shape[axis] = n
        return tuple(shape)

    def of(x, w):
        stride, dilation = (
            v * rank if len(v) == 1 else v
            for v in (s if isinstance(s, tuple) else (s,)
                      for s in (said.get("stride", 1), said.get("dilation", 1)))
        )  # fmt: skip
        each = list(zip([x[a] for a in axes], w[2:], stride, dilation, strict=True))
        y = replaced(x, channels, w[0])
        for axis, (n, k, s, d), (before, after) in zip(
            axes, each, padding_of(said.get("padding", 0), each), strict=True
        ):
            y = replaced(y, axis, (n + before + after - d * (k - 1) - 1) // s + 1)
        if min(y[a] for a in axes) < 1:
            return None
        shapes = {"input": x, "weight": w, "bias": w[:1], "residual": y, "out": y}
        return {**case, **{name: {**case[name], "shape": shape} for name, shape in shapes.items()
                           if isinstance(case.get(name), dict)}}  # fmt: skip

    found = []
    if batched and x[0] > 1:
        found.append((replaced(x, 0, 1), w))
    for axis, tap in zip(axes, range(2, rank + 2), strict=True):
        for less in (lambda n: n // 2, lambda n: n - 1):
            if x[axis] > 1:
                found.append((replaced(x, axis, less(x[axis])), w))
            if w[tap] > 1:
                found.append((x, replaced(w, tap, less(w[tap]))))
    groups = said.get("groups", 1)
    for less in (lambda n: n // 2, lambda n: n - 1):
        if w[0] > groups:
            found.append((x, replaced(w, 0, less(w[0] // groups) * groups)))
        if w[1] > 1:
            n = less(w[1])
            found.append((replaced(x, channels, n * groups), replaced(w, 1, n)))
    for pair in found:
        made = of(*pair)
        if made:
            yield made
