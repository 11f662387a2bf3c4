# SPDX-License-Identifier: BSD-3-Clause
"""Random calls of functions without weights, for fuzzing.py."""

import math

from fuzz_arrays import described, per_axis, some
from fuzz_sums import each
from fuzz_unweighted import (
    COLUMNS,
    MOVES,
    SHUFFLES,
    WINDOWED,
    WORDS,
    average,
    outputs_of,
    shapes,
    spread_of,
    weights_of,
)

MODES = ("constant", "edge", "wrap", "mirror", "symmetric")
CONVENTIONS = ("plane", "flat", "flat_column_major", "nhwc", "nhwc_batch")
RESAMPLED = {1: ("linear",), 2: ("bilinear", "bicubic"), 3: ("trilinear",)}
DTYPES = ("f4", "f4", "f4", "f8", "f8", "f2", "bf16", "?", "u1", "i1", "u2", "i2", "u4", "i4", "u8",
          "i8", ">f4", ">f8", ">f2", ">i2", ">i8")  # fmt: skip
MOST = 60_000  # cells that the windows of a case read


def draw(random):
    """A case, without how it runs; None if it is too large."""
    op = some(random, *((3 if name in (*WINDOWED, "interpolate") else 1, name) for name in WORDS))
    rank = some(random, (3, 1), (5, 2), (3, 3))
    rank = 2 if op.startswith("fractional") and rank == 1 else rank
    size = {1: (1, 3, 7, 13, 31, 67), 2: (1, 2, 3, 5, 7, 11, 17), 3: (1, 2, 3, 4, 5, 7)}[rank]
    lengths = [random.choice(size) for _ in range(rank)]
    if random.random() < 0.1:
        lengths[random.randrange(rank)] = random.choice((37, 67, 131, 199, 517))
    long = random.random() < 0.05  # rows that are made in several parts
    if long:
        lengths = [*(1, 2)[: rank - 1], random.choice((1031, 4099, 4201, 9001))]
    elif random.random() < 0.02:
        lengths[random.randrange(rank)] = 0
    c = some(random, (9, random.choice((1, 2, 3, 5))), (4, random.choice((7, 8, 16, 17, 33))),
             (1, random.choice((67, 131))), (0.3, 0))  # fmt: skip
    batch = some(random, (3, ()), (4, (1,)), (3, (2,)), (2, (3,)), (0.5, (0,)))
    if op in ("interpolate", "channel_shuffle"):
        batch = batch or (1,)
    sizes = {"batch": batch, "c_in": min(c, 9) if long else c, "sizes": tuple(lengths)}
    if op in ("pad", "channel_shuffle") and random.random() < 0.3:
        sizes["sizes"] = tuple(random.choice((1, 2, 3, 4)) for _ in range(random.choice((0, 4, 5))))
    wide = op in WINDOWED and random.random() < 0.2  # windows in a row, in and beyond the input
    if wide:
        lengths[-1], sizes["c_in"] = random.choice((67, 131, 199)), random.choice((1, 5, 15, 17))
        sizes["sizes"] = tuple(lengths)
    said = draw_said(random, op, sizes, long)
    if wide:
        said["stride"] = 1
        said["padding"] = tuple((random.randrange(4), random.randrange(4)) for _ in lengths)
    dtypes = (*DTYPES, "c8", "c16", ">c8") if op in MOVES or op == "interpolate" else DTYPES
    x_dtype = random.choice(dtypes)
    if x_dtype == "?" and said.get("mode") in ("area", *RESAMPLED[2], "linear", "trilinear"):
        x_dtype = "u1"
    for name in ("padding_mode", "padding_value", "mode", "value"):
        if name in WORDS[op] and op != "interpolate":
            draw_border(random, name, said, x_dtype, len(sizes["sizes"]))
    if op == "avg_pool":
        draw_counted(random, sizes, said)
    if "dtype" in WORDS[op] and random.random() < 0.4:
        said["dtype"] = random.choice(("f2", "f4", "f8", "bf16", "i1", "u1", "i4", "i8", "u8"))
    if op == "pad":
        sizes = {"sizes": sizes["sizes"]}
    shape = shapes(op, sizes, said)
    if "out" not in shape:  # what has to be refused
        case = {"op": op, "sizes": sizes, "said": said}
        seldom = random.random() < 0.05 and math.prod(shape["input"]) < MOST
        return with_arrays(random, case, shape, x_dtype) if seldom else None
    read = math.prod(max(1, n) for n in shape["out"]) * taps_of(op, sizes, said)
    if max(read, *(math.prod(s) for s in shape.values())) > (8 if long else 1) * MOST:
        return None
    return with_arrays(random, {"op": op, "sizes": sizes, "said": said}, shape, x_dtype)


def with_arrays(random, case, shape, x_dtype):
    """The case with its arrays."""
    op, said = case["op"], case["said"]
    kind = some(random, (6, "normal"), (5, "small"), (5, "special"), (1, "huge"), (1, "tiny"),
                (2, "ends"), (1, "zero"))  # fmt: skip
    case["input"] = described(random, shape["input"], x_dtype, kind)
    if "where" in shape and "mask" in case["sizes"]:
        case["where"] = described(random, shape["where"], random.choice(("?", "?", "u1")), "small")
    if "samples" in shape:
        dtype = random.choice(("f8", "f8", "f4", ">f8", "f2"))
        case["samples"] = described(random, shape["samples"], dtype, "part")
    if "indices" in shape:
        dtype = random.choice(("i8", "i8", "i4", ">i8", "u4"))
        outputs = outputs_of(op, case["sizes"], said) if "out" in shape else ()
        digits = digits_of(random, case["sizes"], outputs, said)
        case["indices"] = described(random, shape["indices"], dtype, digits)
    if op != "unfold_view" and "out" in shape and random.random() < 0.6:
        result = said.get("dtype", "f8" if average(op) and is_whole(x_dtype) else x_dtype)
        case["out"] = described(random, shape["out"], swapped(random, result), "normal", False)
        if "out_indices" in shape:
            dtype = swapped(random, said.get("index_dtype") or "i8")
            case["out_indices"] = described(random, shape["out"], dtype, "normal", False)
    return case


def is_whole(dtype):
    return dtype.removeprefix(">")[0] in "?iu"


def swapped(random, dtype):
    """The dtype in one byte order or the other."""
    plain = dtype.removeprefix(">")
    return plain if plain in ("bf16", "?") or plain[1:] == "1" or random.random() < 0.85 else (
        ">" + plain)  # fmt: skip


def taps_of(op, sizes, said):
    """Elements of the largest window."""
    rank = len(sizes["sizes"])
    if op.startswith(("adaptive", "global")) or op == "interpolate":
        outputs = outputs_of(op, sizes, said)
        return math.prod(n // out + 2 for n, out in zip(sizes["sizes"], outputs, strict=True))
    return math.prod(each(said["kernel_size"], rank)) if op in (*WINDOWED, "fold") else 1


def digits_of(random, sizes, outputs, said):
    """How indices are made: (axis, weight, count) of each digit; that of an axis is the place
    on it, of None any below the count."""
    last, rank = said.get("channels_last", False), len(outputs)
    convention, c = said.get("index_convention", "plane"), sizes["c_in"]
    batch, *spatial = weights_of(convention, c, outputs)
    channel, *spatial = spatial
    own = random.random() < 0.7
    first = len(sizes["batch"])
    places = [(0 if own and first else None, batch, (*sizes["batch"], 1)[0] if first else 1),
              (first + rank * last if own else None, channel, c)]  # fmt: skip
    found = [(at, weight, n) for at, weight, n in places if weight]
    return (*found, *((None, w, n) for w, n in zip(spatial, outputs, strict=True)))


def draw_border(random, name, said, x_dtype, rank):
    """What lies in the padding."""
    if name in ("padding_mode", "mode"):
        if random.random() < 0.5:
            said[name] = per_axis(random, max(1, rank), lambda: random.choice(MODES))
        return
    modes = said.get("padding_mode", said.get("mode", "constant"))
    if random.random() < 0.4 and "constant" in modes:
        real = (0, 1, -2.5, 0.1, -0.0, 1e30, math.inf, -math.inf, math.nan)
        said[name] = random.choice((0, 1) if is_whole(x_dtype) else real)


def draw_counted(random, sizes, said):
    """Which elements an average counts, and by what it is divided."""
    if random.random() < 0.4:
        rank = len(sizes["batch"]) + 1 + len(sizes["sizes"])
        kept = random.choice((rank, rank, random.randrange(rank + 1)))
        sizes["mask"] = tuple(random.random() < 0.8 for _ in range(kept))
    elif random.random() < 0.3 and said.get("nan_policy") != "omit":
        said["divisor_override"] = random.choice((1, 2, 3, 7, 1000))


def draw_said(random, op, sizes, long):
    """What is said of a call, but for borders."""
    lengths, words, said = sizes["sizes"], WORDS[op], {}
    rank, chance = len(lengths), random.random

    def one(*values):
        return lambda: random.choice(values)

    if "channels_last" in words and chance() < 0.4:
        said["channels_last"] = chance() < 0.95
    if "return_indices" in words:
        said |= {"return_indices": True} if chance() < 0.6 else {}
        said |= {"index_dtype": random.choice(("i4", "i8"))} if chance() < 0.3 else {}
    if "index_convention" in words and chance() < 0.6:
        said["index_convention"] = random.choice(CONVENTIONS)
    if "nan_policy" in words and chance() < 0.4:
        said["nan_policy"] = random.choice(("omit", "omit", "propagate"))
    if "overlap" in words and chance() < 0.6:
        said["overlap"] = random.choice(("last", "max", "sum"))
    if "norm_type" in words:
        said["norm_type"] = random.choice((1, 2, 2, 3, 2.5, 0.5, math.inf, 17.0))
    for name in ("ceil_mode", "count_include_pad"):
        if name in words and chance() < 0.35:
            said[name] = chance() < 0.6
    if "kernel_size" in words:
        most = 3 if long else {1: 9, 2: 5, 3: 3}[rank]
        values = (*range(1, most + 1), 2, 3)
        if op in WINDOWED and not long and chance() < 0.1:  # one axis after the other
            values = {1: (33, 67, 259, 300), 2: (7, 11, 17, 19), 3: (5, 7)}[rank]
        if op in COLUMNS:  # their number is that of the axes
            said["kernel_size"] = tuple(random.choice(values) for _ in range(rank))
            if rank == 2 and chance() < 0.2:
                said["kernel_size"] = random.choice(values)
        else:
            said["kernel_size"] = per_axis(random, rank, one(*values))
    for name in ("stride", "dilation"):
        if name in words and chance() < (0.6 if name == "stride" else 0.3):
            said[name] = per_axis(random, rank, one(1, 1, 2, 2, 3, 4))
    if op.endswith("unpool"):
        draw_spread(random, op, sizes, said)
    elif op == "pad":
        draw_pad(random, lengths, said)
    elif "padding" in words and chance() < 0.6:
        side = one(0, 1, 2, 3, -1, 5)
        said["padding"] = some(
            random, (2, random.choice(("valid", "same", "same_lower", "full", "same_torch"))),
            (3, per_axis(random, rank, one(0, 1, 2, 3, -1))),
            (3, tuple((side(), side()) for _ in range(rank))),
        )  # fmt: skip
    if op in SHUFFLES:
        factors = tuple(random.choice((1, 2, 2, 3)) for _ in range(rank))
        said[SHUFFLES[op]] = factors[0] if rank == 2 and chance() < 0.3 else factors
    if op == "channel_shuffle":
        said["groups"] = random.choice((1, 2, 3, 5, 8))
    if op == "fold":
        said["output_size"] = lengths
        sizes["sizes"] = (1,) * rank
    if op in ("adaptive_max_pool", "adaptive_avg_pool"):
        said["output_size"] = per_axis(
            random, rank, lambda: random.choice((1, 2, 3, 5, 7, *(n + 1 for n in lengths)))
        )
        if random.random() < 0.2:
            said["output_size"] = (None, *(random.choice((None, 1, 3)) for _ in lengths[1:]))
    if op == "fractional_max_pool":
        kernel = each(said["kernel_size"], rank)
        if chance() < 0.3:
            said["output_ratio"] = per_axis(random, rank, one(0.5, 0.3, 0.71))
        else:
            said["output_size"] = tuple(
                random.randint(1, max(1, n - k + 1)) for n, k in zip(lengths, kernel, strict=True)
            )
    if op == "interpolate":
        draw_resampled(random, rank, lengths, said)
    return said


def draw_spread(random, op, sizes, said):
    """Padding and size of an unpooling."""
    rank = len(sizes["sizes"])
    if random.random() < 0.4:
        said["padding"] = per_axis(random, rank, lambda: random.choice((0, 0, 1, 2)))
    if random.random() < 0.4:
        strides = each(said.get("stride") or said["kernel_size"], rank)
        usual = spread_of(op, sizes, said)
        wanted = [n + random.randint(1 - s, s - 1) for (*_, n), s in zip(usual, strides,
                                                                         strict=True)]  # fmt: skip
        if random.random() < 0.2:  # the whole shape
            both = [[sizes["c_in"]], wanted]
            both = both[::-1] if said.get("channels_last") else both
            wanted = [*sizes["batch"], *both[0], *both[1]]
        said["output_size"] = tuple(wanted)


def draw_pad(random, lengths, said):
    def side():
        return random.choice((0, 0, 1, 2, 3, 7, -1, 19))

    pairs = tuple((side(), side()) for _ in lengths)
    said["padding"] = some(random, (4, pairs), (1, (side(), side())), (1, side()), (1, pairs[:1]))
    if said["padding"] == ():
        said["padding"] = side()


def draw_resampled(random, rank, lengths, said):
    """What interpolation is asked for."""
    modes = ("nearest", "nearest-exact", "area", *RESAMPLED[rank] * 2)
    mode = random.choice(modes)
    if mode != "nearest" or random.random() < 0.5:
        said["mode"] = mode
    if random.random() < 0.5:
        said["size"] = per_axis(random, rank, lambda: random.choice((1, 2, 3, 5, 7, 13, 37)))
        if random.random() < 0.1:
            said["size"] = tuple(2 * n for n in lengths)
    else:
        said["scale_factor"] = per_axis(
            random, rank, lambda: random.choice((1, 2, 0.5, 1.5, 0.37, 2.9, 1.01, 0.71, 3))
        )
        if random.random() < 0.3:
            said["recompute_scale_factor"] = random.random() < 0.7
    if mode in RESAMPLED[rank] and random.random() < 0.4:
        said["align_corners"] = random.random() < 0.7
    if mode in ("bilinear", "bicubic") and random.random() < 0.4:
        said["antialias"] = True
