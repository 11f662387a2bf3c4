# SPDX-License-Identifier: BSD-3-Clause
"""Arrays in any memory, and arguments in any type, for fuzzing.py."""

import operator
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import reduce

import numpy as np
from fuzz_truth import BF16
from guarded import between_pages, seal

# In this order they are filled. Of two weights or several kernels, one is "weight".
ARRAYS = ("out", "out_indices", "input", "weight", "second", "third", "bias", "first_bias",
          "residual", "where", "indices", "samples")  # fmt: skip
OUTS = ARRAYS[:2]
CANARY = 0xA5  # bytes between the numbers of an array


def some(random, *weighted):
    """One of (weight, value) pairs."""
    return random.choices([v for _, v in weighted], [w for w, _ in weighted])[0]


def per_axis(random, rank, one):
    """One value, or one per axis."""
    if random.random() < 0.4:
        return one()
    return tuple(one() for _ in range(rank if random.random() < 0.9 else 1))


# ---- numbers -----------------------------------------------------------------------------------


def as_dtype(name):
    """bfloat16 is 'bf16' here, which NumPy's words do not have."""
    return BF16 if name == "bf16" else np.dtype(name)


def numbers(shape, dtype, seed, kind):
    """Random numbers of a kind: normal, small, special, gaps, huge, tiny, ends, zero, part (of
    1), outer, a number (the part that is 1), or (digits, of which each is an axis or None, a weight
    and a count)."""
    random, dtype = np.random.default_rng(seed), as_dtype(dtype)
    if isinstance(kind, float):  # the part that is 1, or True; the rest is 0
        return (random.random(shape) < kind).astype(dtype)
    if kind == "part":
        return random.random(shape).astype(dtype)
    if isinstance(kind, tuple):  # of an axis the place on it, of none a random one
        found = np.zeros(shape, np.int64)
        for at, weight, n in kind:
            found += weight * (random.integers(n, size=shape) if at is None else (
                np.indices(shape)[at]))  # fmt: skip
        return np.where(random.random(shape) < 0.04, -1, found).astype(dtype)
    if kind == "outer":  # along all axes; of integers, or of others that are rounded
        whole = [random.integers(1, 9, n) * random.choice([-1, 1], n) for n in shape]
        parts = whole if seed % 3 else [random.standard_normal(n) for n in shape]
        with np.errstate(all="ignore"):
            return reduce(np.multiply.outer, parts, np.array(1)).astype(dtype)
    if dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if kind == "zero":
            return np.zeros(shape, dtype)
        if kind == "ends":
            return random.choice(np.array([limits.min, limits.max], dtype), shape)
        low, high = (limits.min, limits.max) if kind in ("normal", "huge") else (-3, 4)
        some = random.integers(max(low, limits.min), high, shape, limits.dtype.newbyteorder("="),
                               endpoint=True)  # fmt: skip
        return some.astype(dtype)
    if dtype.kind == "c":
        real, imag = (numbers(shape, f"f{dtype.itemsize // 2}", (seed, i), kind) for i in (1, 2))
        array = np.empty(shape, dtype)
        array.real, array.imag = real, imag
        return array
    array = random.standard_normal(shape)
    single = dtype.itemsize <= 4
    limits = np.finfo("f2" if dtype == np.float16 else "f4" if single else "f8")
    if kind == "small":
        array = np.rint(array * 2)
    if kind in ("huge", "tiny", "zero"):
        array = array * {"huge": float(limits.max) / 8, "tiny": float(limits.tiny), "zero": 0}[kind]
    if kind == "gaps":  # NaN, alone or along axes
        along = [n if random.random() < 0.8 else 1 for n in shape]
        array = np.where(random.random(along) < random.choice([0.02, 0.2, 0.6]), np.nan, array)
    if kind == "special":
        odd = [np.inf, -np.inf, np.nan, -0.0, 0.0, float(limits.smallest_subnormal)]
        array = np.where(random.random(shape) < 0.1, random.choice(odd, shape), array)
    if kind == "ends":
        array = random.choice([0.0, -0.0, 1.0, -1.0, float(limits.tiny)], shape)
    with np.errstate(over="ignore"):
        return array.astype(dtype)


# ---- memory ------------------------------------------------------------------------------------


def packed(shape, itemsize):
    """The strides of a contiguous array."""
    strides, step = [], itemsize
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def strides_of(random, shape, itemsize, readable):
    """Strides of one kind or another; no two numbers share a byte unless `readable`."""
    if not shape or random.random() < 0.12:  # a field of a structured array
        return packed(shape, itemsize + random.choice((max(1, itemsize // 2), 1, 4, 8)))
    order = list(range(len(shape)))[::-1]  # the innermost first
    kind = random.random()
    if kind < 0.25:
        order.insert(0, order.pop(random.randrange(len(order))))
    elif kind < 0.5:
        random.shuffle(order)
    item = (itemsize, itemsize // 2, itemsize // 2 * 3, 2 * itemsize, 1, 2, 3, 4, 8, 12)
    step = itemsize + (random.choice(item) if random.random() < 0.35 else 0)
    strides = [0] * len(shape)
    for axis in order:
        sign = -1 if random.random() < 0.12 else 1
        if readable and random.random() < 0.06:
            continue  # 0: one number stands for all
        if shape[axis] < 2 and random.random() < 0.1:
            strides[axis] = random.choice((0, 1, 3, -5, 2**40, -(2**33) - 1))  # never taken
            continue
        strides[axis] = sign * step
        step *= max(shape[axis], 1)
        if random.random() < 0.25:
            step += random.choice((itemsize, 1, 2, 3, 4, 6, 8, 16, 56, 64))
    return tuple(strides)


def extent(shape, itemsize, strides):
    """(first byte, end) of an array around its first number."""
    if 0 in shape:
        return 0, 0
    reach = [s * (n - 1) for n, s in zip(shape, strides, strict=True)]
    return sum(min(r, 0) for r in reach), sum(max(r, 0) for r in reach) + itemsize


def described(random, shape, dtype, kind, readable=True, odd=0.7):
    """The description of an array, from which `made` makes it; `odd`: how often it has strides."""
    itemsize = as_dtype(dtype).itemsize
    said = {"shape": shape, "dtype": dtype, "seed": random.randrange(1000), "kind": kind}
    if random.random() < odd:
        said["strides"] = strides_of(random, shape, itemsize, readable)
    first, end = extent(shape, itemsize, said.get("strides", packed(shape, itemsize)))
    shift = random.choice((0, 0, 0, 0, 1, 2, 3, 4, 8, 13))
    page = random.choice((None, None, "begin", "end"))
    said["start"] = shift - first if page != "end" else -first
    said["size"] = end - first + shift
    if page:
        said["page"] = page
    elif readable and random.random() < 0.2:
        said["read_only"] = True
    return said


def made(array, memory=None):
    """(the array, the bytes it lies in)."""
    dtype, shape = as_dtype(array["dtype"]), array["shape"]
    strides = array.get("strides") or packed(shape, dtype.itemsize)
    if memory is None:
        size = max(array.get("size", 0), array.get("start", 0) + extent(shape, 0, strides)[1]
                   + dtype.itemsize * (0 not in shape))  # fmt: skip
        if array.get("page"):
            memory = between_pages((size,), np.uint8, array["page"] == "end")
        else:
            memory = np.empty(size, np.uint8)
        memory[...] = CANARY
    view = np.ndarray(shape, dtype, memory, array.get("start", 0), strides) if 0 not in shape else (
        np.empty(shape, dtype))  # fmt: skip
    view[...] = numbers(shape, array["dtype"], array["seed"], array.get("kind", "normal"))
    return view, memory


def close(array, view, memory):
    """The array, from now on as it is described: read-only, its pages sealed."""
    if array.get("page") and memory.size:
        seal(memory)
    if array.get("read_only"):
        view.flags.writeable = False
    return view


def own_bytes(array, memory):
    """Which bytes of its memory belong to the numbers of an array."""
    mask = np.zeros(memory.size, bool)
    itemsize = as_dtype(array["dtype"]).itemsize
    strides = array.get("strides") or packed(array["shape"], itemsize)
    if 0 not in array["shape"]:
        np.ndarray((*array["shape"], itemsize), bool, mask, array.get("start", 0),
                   (*strides, 1))[...] = True  # fmt: skip
    return mask


# ---- odd arguments -----------------------------------------------------------------------------
# Those that print alike differ in value all the same.


class Index:
    def __init__(self, value):
        self.value = value

    def __index__(self):
        return operator.index(self.value)

    def __repr__(self):
        return "Index"


class Alike:
    """A number, an array or a word that NumPy makes an array of."""

    def __init__(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.value, dtype)

    def __repr__(self):
        return "Alike"


class Float:
    def __init__(self, value):
        self.value = value

    def __float__(self):
        return float(self.value)

    def __repr__(self):
        return "Float"


class Series(Sequence):
    def __init__(self, value):
        self.value = value

    def __getitem__(self, at):
        return self.value[at]

    def __len__(self):
        return len(self.value)

    def __repr__(self):
        return "Series"


class Word(str):
    def __repr__(self):
        return "Word"


class Sub(np.ndarray):
    def __array_finalize__(self, other):
        self.flat_calls = 0


def deep(make, value, kinds=(bool, int, float, complex)):
    """`make` on everything of these kinds in a tuple of tuples."""
    if isinstance(value, tuple):
        return tuple(deep(make, v, kinds) for v in value)
    return make(value) if isinstance(value, kinds) else value


def scalars(value):
    """A NumPy scalar of it, the smallest that holds it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return np.min_scalar_type(value).type(value)
    return np.asarray(value)[()]


def in_range(value):
    """A range of these integers, if there is one."""
    if isinstance(value, tuple) and len(value) > 1 and all(type(v) is int for v in value):
        step = value[1] - value[0]
        found = range(value[0], value[-1] + (1 if step > 0 else -1), step) if step else ()
        return found if tuple(found) == value else value
    return value


FORMS = {
    "scalar": lambda v: deep(scalars, v),
    "0-d": lambda v: deep(np.asarray, v),
    "array": lambda v: np.asarray(v) if isinstance(v, tuple) else v,
    "small array": lambda v: v if isinstance(v, str) else np.array(v, np.int16)[()],
    "list": lambda v: [FORMS["list"](e) for e in v] if isinstance(v, tuple) else v,
    "series": lambda v: Series(v) if isinstance(v, tuple) else v,
    "range": in_range,
    "index": lambda v: deep(Index, v),
    "alike": lambda v: deep(Alike, v),
    "word": lambda v: deep(Word, v, str),
    "numpy word": lambda v: deep(np.str_, v, str),
    "float32": lambda v: deep(np.float32, v),
    "float": lambda v: deep(Float, v),
    "fraction": lambda v: deep(lambda e: Fraction(e) if 0 < abs(e) < 1e300 else e, v),
    "decimal": lambda v: deep(Decimal, v),
    "bool": np.bool_,
    "type": lambda v: np.dtype(v).type,
    "dtype": np.dtype,
    "subclass": lambda a: a.view(Sub),
    "memoryview": memoryview,
    "array of lists": lambda a: a.tolist(),
    "object": Alike,
}
INTEGERS = ("scalar", "0-d", "array", "small array", "list", "series", "range", "index")
NUMBERS = ("scalar", "0-d", "alike", "float", "fraction", "decimal")
WORDS = ("word", "numpy word", "list", "series")
OPERANDS = ("subclass", "memoryview", "array of lists", "object")
ACTIVATION = (*WORDS[:3], "activation scalar", "activation alike")
FORMS_OF = {
    "stride": INTEGERS, "padding": INTEGERS, "dilation": INTEGERS, "groups": INTEGERS,
    "output_padding": INTEGERS, "output_size": INTEGERS,
    "threads": ("scalar", "0-d", "index"), "padding_mode": WORDS, "padding_value": NUMBERS,
    "channels_last": ("bool",), "flip": ("bool",), "alpha": NUMBERS, "beta": NUMBERS,
    "dtype": ("type", "dtype"), "overflow": WORDS[:2], "algorithm": WORDS[:2],
    "activation": ACTIVATION, "depthwise_activation": ACTIVATION,
    **dict.fromkeys(("kernel_size", "size", "upscale_factor", "downscale_factor"), INTEGERS),
    **dict.fromkeys(("mode", "index_convention", "nan_policy", "overlap"), WORDS[:2]),
    **dict.fromkeys(("ceil_mode", "return_indices", "count_include_pad", "antialias",
                     "align_corners", "recompute_scale_factor"), ("bool",)),
    **dict.fromkeys(("value", "norm_type", "scale_factor", "output_ratio"), NUMBERS),
    "divisor_override": ("scalar", "0-d", "index"), "index_dtype": ("type", "dtype"),
    **dict.fromkeys(("where", "indices", "samples"), OPERANDS), "out_indices": ("subclass",),
    "input": OPERANDS, "weight": OPERANDS, "second": OPERANDS, "third": OPERANDS,
    "bias": OPERANDS, "first_bias": OPERANDS, "residual": OPERANDS,
    "out": ("subclass",),
}  # fmt: skip
MAY_BE_REFUSED = ("alike", "float", "fraction", "decimal")


def formed(value, form):
    """An argument as an object of another type."""
    if form.startswith("activation "):
        if isinstance(value, str):
            return value
        return (value[0], *(FORMS[form.removeprefix("activation ")](v) for v in value[1:]))
    return FORMS[form](value)
