# SPDX-License-Identifier: BSD-3-Clause
"""Random calls, for fuzzing.py: a case is a dict of plain values, which prints as Python."""

import math
from random import Random

import numpy as np
from fuzz_arrays import ARRAYS, FORMS_OF, OUTS, as_dtype, described, extent, packed, per_axis, some
from fuzz_check import takes
from fuzz_families import FAMILIES
from fuzz_masked import draw_gaps, draw_mask
from fuzz_shapes import (
    IMAGES,
    PAIRS,
    REAL,
    WHOLE,
    draw_dtypes,
    draw_result,
    kinds_of,
    outputs_of,
    shapes,
    spec_of,
    spread,
    with_defaults,
    work_of,
)
from fuzz_sums import Refused, axes_of, is_whole, native, padding_of
from fuzz_unweighted_cases import MODES
from fuzz_unweighted_cases import draw as draw_unweighted
from fuzz_ways import ways_of

from fastconv._core import table
from fastconv._plan.algorithms import names

OUTER = ("conv", "filter2d", "filter_nd")  # whose kernels may be outer products
inf, nan, infj = math.inf, math.nan, complex(0, math.inf)
ISAS = table.isas_usable()
PADDINGS = ("valid", "full", "same", "same_upper", "same_lower", "same_torch")
ACTIVATIONS = ("relu", "relu6", "sigmoid", "tanh", "silu", "gelu", "hardswish")
MOST = 200_000  # multiply-adds
LARGE = 8_000_000  # of a few: whether integers are small is looked at from 2 million on


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


def draw(random):
    case = draw_unweighted(random) if random.random() < 0.5 else draw_weighted(random)
    return case and with_ways(random, case)


def draw_weighted(random):
    op = some(random, (6, "conv"), (3, "conv_transpose"), (3, "depthwise_separable_conv"),
              (3, "separable_filter"), (2, "depthwise_conv"), (2, "local_conv"), (2, "filter_nd"),
              (1, "filter2d"), (1, "pointwise_conv"), (3, "masked_conv"))  # fmt: skip
    rank = 2 if op == "filter2d" else some(random, (3, 1), (5, 2), (2, 3))
    large = op != "local_conv" and random.random() < 0.01
    drawing = draw_sizes(random, op, rank, large)
    if drawing is None:
        return None
    sizes, said = drawing
    shape = shapes(op, sizes, said)
    x_dtype, w_dtype = draw_dtypes(random, large)
    if sizes.get("outer") and random.random() < 0.6:
        x_dtype, w_dtype = random.choice((("f4", "f4"), ("f8", "f8"), ("u1", "f4"), ("c8", "f4")))
    if "dtype" in said:
        x_dtype, w_dtype = "u1", "f4"
    kind = some(random, (8, "normal"), (3, "small"), (2, "special"), (1, "huge"), (1, "tiny"),
                (1, "ends"), (1, "zero"))  # fmt: skip

    def array(name, dtype, **more):
        kinds = kind if random.random() < 0.5 else "normal"
        if name == "weight" and sizes.get("outer"):
            kinds = "outer"
        odd = 0.1 if sizes.get("in_rows") else 0.7
        return described(random, shape[name], dtype, kinds, odd=odd, **more)

    words = {"input": x_dtype}
    for name in ("weight", "second", "third"):
        if name in shape:
            words[name] = w_dtype if random.random() < 0.85 else draw_dtypes(random, False)[1]
    case = {"op": op, "sizes": sizes, **{name: array(name, words[name]) for name in words}}
    if "dtype" not in said:
        draw_result(random, words, said)
    plain = {name: native(as_dtype(dtype)) for name, dtype in words.items()}
    if "padding_mode" in FAMILIES[op].words:
        draw_border(random, op, rank, plain["input"], said)
    if op == "masked_conv":
        draw_gaps(random, case, shape, said)
    wanted = {"dtype": as_dtype(said["dtype"])} if "dtype" in said else {}
    first, *_, last = kinds_of(op, plain, sizes, said | wanted | {"overflow": "saturate"}) * 2
    result, whole, pairs = last.result, last.whole, last.pairs
    if is_whole(result) and (not whole or random.random() < 0.3):
        said["overflow"] = "saturate"
    if op in IMAGES and random.random() < 0.2 and (whole or not is_whole(result)):
        said["overflow"] = "wrap"
    for name, these in (("bias", last), ("first_bias", first)):
        if name in shape and random.random() < 0.5:
            addends = WHOLE if these.whole else (*REAL, *WHOLE)
            dtype = random.choice((*addends, *PAIRS) if these.pairs else addends)
            case[name] = array(name, dtype)
    addends = WHOLE if whole else (*REAL, *WHOLE)
    name = "bf16" if result.kind == "V" else result.str[1:]
    if random.random() < 0.55:
        swapped = name[-1] != "1" and name != "bf16" and random.random() < 0.15
        case["out"] = array("out", ">" + name if swapped else name, readable=False)
        if random.random() < 0.4:
            said["beta"] = number(random, whole)
    if random.random() < 0.4:
        case["residual"] = array(
            "residual", random.choice(PAIRS if pairs else (name, name, *addends))
        )
    if random.random() < 0.4:
        said["alpha"] = number(random, whole)
    if not pairs and random.random() < 0.4:
        said["activation"] = draw_activation(random, whole)
    if op == "depthwise_separable_conv" and not first.pairs and random.random() < 0.5:
        said["depthwise_activation"] = draw_activation(random, first.whole)
    if sizes.get("in_rows") and random.random() < 0.7:  # what kernels do as they store
        for name in ("residual", "alpha", "beta"):
            case.pop(name, said.pop(name, None))
    return case | {"said": said}


def with_ways(random, case):
    """The case with how it runs, and what else is done with it."""
    op, said = case["op"], case["said"]
    overlap(random, case)
    if op != "unfold_view":
        if random.random() < 0.5:
            said["algorithm"] = random.choice(algorithms_of(op, len(case["sizes"]["sizes"])))
        if random.random() < 0.6:
            said["threads"] = random.choice((1, 2, 3, 1, 2, 3, 17))
    case["isa"] = random.choice(ISAS)
    if random.random() < 0.35:
        draw_forms(random, case)
    case["also"] = [name for name in ways_of(op) if random.random() < 0.25]
    if random.random() < 0.12:
        argument = random.choice([name for name in FORMS_OF if takes(op, name, case)])
        case["wrong"] = (argument, random.randrange(1000))
    return case


def number(random, whole):
    if whole:
        return random.choice((2, -1, 3, 0, 7, -5, 2**40, -(2**63), 2**63 - 1))
    some_real = (0.5, -1.5, 0.1, 3, -1, 0, 1.0, 1e-3, 1e-42, 7e30, 2**70, inf, nan, -0.0)
    return random.choice(some_real if random.random() < 0.5 else some_real[:5])


def draw_sizes(random, op, rank, large):
    """(sizes, what is said of them), or None: too large, or no output."""
    size = {1: (3, 7, 13, 19, 31, 67), 2: (2, 3, 5, 7, 11, 17), 3: (1, 2, 3, 4, 5, 7)}[rank]
    c_in = some(random, (9, random.choice((1, 2, 3, 5))), (3, random.choice((7, 16, 17, 31))),
                (1, random.choice((257, 300, 521))), (0.4, 0))  # fmt: skip
    c_out = some(random, (9, random.choice((1, 2, 3, 5))), (4, random.choice((7, 8, 13, 17, 33))),
                 (1, random.choice((64, 97))))  # fmt: skip
    groups = some(random, (6, 1), (2, 2), (1, 3), (1, random.choice((5, 8))))
    if random.random() < 0.1:
        groups, c_in, c_out = groups * c_in or 1, 1, random.choice((1, 1, 2))
    if random.random() < 0.15:  # groups of which a vector holds several
        groups, c_in, c_out = (
            random.choice(n) for n in ((3, 5, 8, 16), (1, 2, 4, 7), (1, 3, 4, 8))
        )
    taps = [some(random, (3, 1), (3, 2), (4, 3), (1, 5), (1, 7)) for _ in range(rank)]
    if random.random() < 0.15:
        taps = [1] * rank
    lengths = [random.choice(size) for _ in range(rank)]
    if random.random() < 0.12:  # few pixels of many channels
        lengths = [random.choice((1, 2, 3)) for _ in range(rank)]
        c_out = random.choice((c_out, 5, 16, 29, 64))
    if random.random() < 0.05:
        taps[random.randrange(rank)] = random.choice((41, 259, 300))
    if random.random() < 0.08:
        lengths[random.randrange(rank)] = random.choice((1, 131, 517, 1031, 4099))
    elif random.random() < 0.12:  # long rows
        lengths[-1] = random.choice((37, 67, 83, 131, 199, 257))
    if random.random() < 0.03:
        lengths[random.randrange(rank)] = 0
    if large:
        c_in, c_out, groups = random.choice((41, 67)), random.choice((47, 64, 97)), 1
        taps = [{1: 7, 2: 3, 3: 2}[rank]] * rank
        lengths = [{1: 203, 2: random.choice((13, 19)), 3: random.choice((6, 7))}[rank]] * rank
        if op in IMAGES:
            taps = [{1: 67, 2: 7, 3: 3}[rank]] * rank
            lengths = [{1: 40009, 2: 211, 3: 37}[rank]] * rank
    if op in ("depthwise_conv", "depthwise_separable_conv"):
        groups, c_in, c_out = groups * c_in or 1, 1, some(random, (6, 1), (2, 2), (1, 3), (1, 4))
    if op == "pointwise_conv":
        taps = [1] * rank
    if op == "separable_filter":
        taps = [0 if random.random() < 0.12 else k for k in taps]
    words, said = FAMILIES[op].words, {}
    narrow = rank == 3 and op == "depthwise_conv" and random.random() < 0.6
    uint8 = rank > 1 and op in (*IMAGES[:2], "depthwise_conv") and random.random() < 0.3
    if narrow:  # planes of one vector a row
        taps, lengths = [3] * 3, [random.choice((7, 11, 13)), 3, random.choice((2, 3, 5, 7, 13))]
    elif uint8:  # rows of whole vectors
        taps = [1] * (rank - 2) + [random.choice((3, 3, 5))] * 2
        lengths[-1] = random.choice((41, 97, 131, 199))

    def one():
        return some(random, (4, 1), (2, 2), (1, 3), (1, 4))

    for argument in ("stride", "dilation"):
        if argument in words and random.random() < (0.1 if uint8 or narrow else 0.45):
            said[argument] = per_axis(random, rank, one)
    if "padding" in words:
        draw_padding(random, rank, said)
    if groups > 1 and "groups" in words:
        said["groups"] = groups
    if "channels_last" in words and random.random() < 0.35:
        said["channels_last"] = random.random() < 0.9
    if "flip" in words and random.random() < 0.2:
        said["flip"] = random.random() < 0.8
    batch = some(random, (3, ()), (4, (1,)), (3, (2,)), (2, (3,)), (0.3, (0,)), (0.2, (7,)))
    outer = op in OUTER and random.random() < (0.08 if op == "conv" else 0.4)
    if outer:
        groups, c_in, c_out = 1, 1, 1
        said.pop("groups", None)
        taps = [random.choice({1: (5,), 2: (3, 5, 9, 11), 3: (1, 3, 5, 7)}[rank]) for _ in taps]
    sizes = {"sizes": lengths, "taps": tuple(taps)} | ({"outer": True} if outer else {})
    if (uint8 or narrow) and not outer:
        sizes["in_rows"] = True
        said |= {"dtype": "u1"} if not narrow else {}
    if op in IMAGES:
        channels = some(random, (3, ()), (3, (3,)), (1, (1,)), (1, (17,)), (1, (2, 3)),
                        (1, (5, 1)), (0.1, (3, 0)))  # fmt: skip
        sizes |= {"channels": channels, "placed": random.random() < 0.5}
    else:
        sizes |= {"batch": batch, "groups": groups, "c_in": c_in, "c_out": c_out}
    if op == "depthwise_separable_conv":
        sizes |= {
            "mixed": random.choice((1, 2, 3, 5, 17, 33) if not large else (131,)),
            "flat": random.random() < 0.5,
        }
    elif op == "pointwise_conv":
        sizes["flat"] = random.random() < 0.5
    elif op == "masked_conv":
        sizes["mask"] = draw_mask(random, rank)
    elif op == "local_conv":
        sizes["placed"] = random.random() < 0.5
    if op == "conv_transpose":
        if min(lengths) < 1:
            return None
        draw_output(random, sizes, said)
    else:
        lengthen(random, op, sizes, said)
    sizes["sizes"] = tuple(lengths)
    if min(outputs_of(op, sizes, said)) < 1:
        return None
    many = max(math.prod(shape) for shape in shapes(op, sizes, said).values())
    if work_of(op, sizes, said) > (LARGE if large else MOST) or many > (6 if large else 1) * 60_000:
        return None
    return sizes, said


def draw_padding(random, rank, said):
    chance = random.random()
    if chance < 0.2:
        said["padding"] = random.choice(PADDINGS)
    elif chance < 0.5:
        said["padding"] = per_axis(random, rank, lambda: random.choice((0, 1, 2, 3, -1)))
    elif chance < 0.75:
        side = (0, 1, 2, 3, -1, -2, 5, 9)
        if random.random() < 0.3:
            side = (*side, -17, -9, -33, 19, 35)
        said["padding"] = tuple((random.choice(side), random.choice(side)) for _ in range(rank))


def lengthen(random, op, sizes, said):
    """Make the input long enough for an output, unless it is empty."""
    lengths, said = sizes["sizes"], with_defaults(op, said)
    for axis in range(len(lengths)):
        axes = axes_of(lengths, [max(1, k) for k in sizes["taps"]], said)
        n, k, _, d = axes[axis]
        before, after = padding_of(said.get("padding", 0), axes)[axis]
        lacking = d * (k - 1) + 1 - (n + before + after)
        if lacking > 0 and n:
            lengths[axis] += lacking + random.choice((0, 0, 1, 2))


def draw_output(random, sizes, said):
    """Which of the outputs of a transposed convolution is meant."""
    rank = len(sizes["taps"])
    axes = axes_of(sizes["sizes"], sizes["taps"], said)
    same = str(said.get("padding", 0)).startswith("same")
    chance = random.random()
    if chance < 0.35 and not same:
        more = [random.randrange(max(s, d)) for _, _, s, d in axes]
        said["output_padding"] = tuple(more) if random.random() < 0.7 else min(more)
    elif chance < 0.6:
        natural = [size for size, _ in spread(sizes["sizes"], sizes["taps"], said)]
        less = [random.randrange(s if same else max(s, d)) for _, _, s, d in axes]
        wanted = tuple(n - e if same else n + e for n, e in zip(natural, less, strict=True))
        if random.random() < 0.3:  # the whole shape
            channels = (sizes["groups"] * sizes["c_out"],)
            both = (wanted, channels) if said.get("channels_last") else (channels, wanted)
            wanted = (*sizes["batch"], *both[0], *both[1])
        said["output_size"] = wanted[0] if rank == 1 and random.random() < 0.3 else wanted


def algorithms_of(op, rank):
    """Words for an algorithm; some refuse some calls. The errors of fft are others."""
    found = [name for name in names(spec_of(op, rank)) if name != "fft"]
    return ("auto", *sorted(found[1:] * 2))


def draw_border(random, op, rank, x, said):
    if random.random() < 0.5:
        said["padding_mode"] = per_axis(random, rank, lambda: random.choice(MODES))
    # A value that no axis uses is refused.
    modes = with_defaults(op, said).get("padding_mode", "constant")
    if "padding_value" in FAMILIES[op].words and random.random() < 0.5 and "constant" in modes:
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
    of = "out_indices" if "out_indices" in case and random.random() < 0.4 else "out"
    out, others = case[of], [name for name in case if name in ARRAYS and name not in OUTS]
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
        if isinstance(value, tuple) and None in value:
            continue
        if isinstance(value, complex) and form in ("float", "decimal", "fraction"):
            continue
        forms[name] = form
    case["forms"] = forms
    if "same" not in forms and forms and random.random() < 0.5:
        case["decoy"] = random.choice(tuple(forms))
