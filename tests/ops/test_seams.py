# SPDX-License-Identifier: BSD-3-Clause
"""Where features meet: every layout with every border, dtype, epilogue, way and instruction set.

``FASTCONV_EXAMPLES=20000 pytest tests/ops/test_seams.py`` looks further.
"""

import os
from functools import cache
from itertools import product
from random import Random

import numpy as np
import pytest
from arrays import BF16, BOOL, EVERY, FLOATS, INTEGERS, READABLE, WRITEABLE, numbers
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from truth import assert_near, specified, truth
from ways import ALGORITHMS, ISAS, WAYS, WORDS, run, with_any_schedule

from fastconv._plan.kept import kept
from fastconv._spec import dtypes

EXAMPLES = int(os.environ.get("FASTCONV_EXAMPLES", "1500"))

pytestmark = pytest.mark.usefixtures("poisoned")

MODES = ("constant", "edge", "wrap", "mirror", "symmetric")


def any_schedule(orientation, seed):
    """Have plans made anew, with any of the schedules of an orientation."""
    return with_any_schedule(orientation, Random(f"{orientation} {seed}"))


# ---- the cross product -------------------------------------------------------------------------

PAIRS = {dtype.name: (dtype, dtype) for dtype in EVERY} | {
    "uint8 float32": (np.dtype("u1"), np.dtype("f4")),
    "float32 int8": (np.dtype("f4"), np.dtype("i1")),
    "float16 float32": (np.dtype("f2"), np.dtype("f4")),
    "complex64 float32": (np.dtype("c8"), np.dtype("f4")),
    "float64 complex64": (np.dtype("f8"), np.dtype("c8")),
    "uint32 int8": (np.dtype("u4"), np.dtype("i1")),
    "bool int64": (BOOL, np.dtype("i8")),
}
BORDERS = {"zero": {}, "constant": {"padding_value": 3}} | {
    word: {"padding_mode": word} for word in MODES[1:]
}
# Keywords; "bias", "residual" and "out" stand for such an array.
EPILOGUES = {
    "plain": {},
    "bias": {"bias": ...},
    "relu": {"activation": "relu"},
    "residual": {"residual": ...},
    "beta": {"beta": -2, "out": ...},
    "everything": {"alpha": 3, "bias": ..., "beta": -1, "out": ..., "residual": ...,
                   "activation": ("clip", -5, 7)},
    "bytes": {"bias": ..., "dtype": "u1", "overflow": "saturate"},
}  # fmt: skip


@cache
def made(pair, last, border, epilogue):
    """(keywords of a call, what comes out, how near) for words of the lists above."""
    first, second = PAIRS[pair]
    x = numbers((2, 5, 7, 3) if last else (2, 3, 5, 7), first)
    w = numbers((17, 3, 3, 2), second, seed=1)
    said = {"padding": ((2, 1), (9, 4)), "stride": (1, 2), "channels_last": last}
    said |= BORDERS[border] | EPILOGUES[epilogue]
    if "padding_value" in said and PAIRS[pair][0] == BOOL:
        said["padding_value"] = 1
    kind = np.result_type(first, second).kind
    if kind == "c":
        said = {name: value for name, value in said.items() if name != "activation"}
        if said.pop("dtype", None):
            del said["overflow"]
    given = {name: said.pop(name) for name in ("bias", "residual", "out") if name in said}
    problem = specified(x, w, **said)
    addend = {"c": "c8", "b": "i1", "u": "i1", "i": "i1"}.get(kind, "f4")
    shapes = {"bias": ((17,), addend), "residual": (problem.output_shape, addend),
              "out": (problem.output_shape, problem.dtype)}  # fmt: skip
    arrays = {name: numbers(*shapes[name], seed=2) for name in given}
    problem = specified(x, w, arrays.get("bias"), arrays.get("residual"), **said)
    return x, w, arrays, said, problem, truth(x, w, **arrays, **said)


def check_text(plan, x, w, arrays, said):
    """The plan names what is done on the way in and on the way out."""
    lines = dict(line.split(": ", 1) for line in str(plan).splitlines() if ": " in line)
    pack, epilogue = lines["pack"], lines["epilogue"]
    tile = {"f": "float32", "d": "float64", "q": "int64", "l": "int64"}[plan.spec.arithmetic.tile]
    apart = x.dtype.kind == "c" and w.dtype.kind != "c"
    pairs = "" if apart else "pairs of "
    into = [
        f" -> {pairs if array.dtype.kind == 'c' else ''}{tile}" if array.dtype != tile else ""
        for array in (x, w)
    ]
    value = f"constant {plan.spec.border_value:g}"
    mode = said.get("padding_mode", value if "padding_value" in said else "")
    words = (f"input {x.dtype}{into[0]}", "real and imaginary parts apart" if apart else "",
             "channels last" if said["channels_last"] else "",
             f"border {mode}" if mode else "")  # fmt: skip
    assert pack == f"{', '.join(filter(None, words))}; weight {w.dtype}{into[1]}"
    words = [f"alpha {said['alpha']}"] if "alpha" in said else []
    words += ["bias"] if "bias" in arrays else []
    words += [f"beta {said['beta']}"] if "beta" in said else []
    words += ["residual"] if "residual" in arrays else []
    words += {"relu": ["relu"], ("clip", -5, 7): ["clip -5 7"]}.get(said.get("activation"), [])
    total = {"f": "float32", "d": "float64", "i": "int32", "q": "int64"}[plan.spec.arithmetic.total]
    total = (
        {"float32": "complex64", "float64": "complex128"}[total]
        if plan.spec.components == 2
        else total
    )
    words += [f"{total} -> {plan.spec.dtype}"] if plan.spec.dtype != total else []
    words += ["saturated"] if "overflow" in said else []
    assert epilogue == (", ".join(words) or "none")


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_cross_product(way, isa, pair):
    algorithm, orientation = way
    for number, words in enumerate(product((False, True), BORDERS, EPILOGUES)):
        x, w, arrays, said, problem, (expected, bound) = made(pair, *words)
        given = {name: array.copy() for name, array in arrays.items()}
        how = {"algorithm": algorithm, "isa": isa, "threads": 1 + number % 2}
        try:
            with any_schedule(orientation, (number, *way, isa, pair)):
                got = run(x, w, **given, **said, **how)
                (plan,) = kept()
            assert_near(got, problem, expected, bound)
            assert (plan.algorithm, plan.orientation) == way
            check_text(plan, x, w, arrays, said)
        except Exception as error:
            error.add_note(f"{words} {how}")
            raise


# ---- the same bits -----------------------------------------------------------------------------

# (input, weight, their dtypes, keywords)
CASES = [
    ((3, 37, 11, 13), (19, 37, 3, 3), "f4 f4", {"padding": (9, 14), "padding_mode": "mirror"}),
    ((3, 37, 11, 13), (19, 37, 3, 3), "f2 f2", {"padding": 2, "padding_mode": "wrap",
                                                "activation": "gelu"}),
    ((2, 11, 13, 67), (5, 67, 3, 3), "f4 f4", {"channels_last": True, "padding": 1, "bias": 1,
                                               "residual": 1, "activation": "silu", "alpha": 0.3}),
    ((3, 23, 7, 9), (17, 23, 3, 5), "c8 c8", {"padding": 2, "padding_value": 1 - 2j, "bias": 1}),
    ((2, 23, 7, 9), (17, 23, 3, 5), "f8 c8", {"padding": 3, "padding_mode": ("edge", "symmetric"),
                                              "residual": 1}),
    ((2, 34, 11, 13), (26, 17, 5, 3), "u1 i1", {"groups": 2, "stride": (1, 2), "padding": 2,
                                                "padding_value": 128, "bias": 1}),
    ((2, 5, 11, 13), (9, 5, 3, 3), "i4 i8", {"padding": 4, "padding_mode": "symmetric",
                                             "dtype": "i2", "overflow": "saturate"}),
    ((2, 131, 31), (13, 131, 5), "u1 f4", {"dtype": "u1", "overflow": "saturate", "residual": 1}),
    ((2, 3, 29, 31), (3, 3, 19, 17), "f4 f8", {"flip": True, "padding": 40, "padding_mode": "edge",
                                               "dtype": "f2", "activation": "tanh"}),
    ((2, 5, 7, 11, 8), (18, 8, 3, 3, 3), "f4 f4", {"channels_last": True, "padding": 2, "beta": 2,
                                                   "padding_mode": ("wrap", "constant", "edge")}),
]  # fmt: skip


def same(got, expected):
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("case", CASES, ids=[f"{kinds} {w}" for _, w, kinds, _ in CASES])
def test_same_bits(case, isa):
    shape, kernel, kinds, said = case
    x, w = (numbers(s, k, 3) for s, k in zip((shape, kernel), kinds.split(), strict=True))
    said = dict(said)
    asked = {name for name in ("bias", "residual") if said.pop(name, None)}
    problem = specified(x, w, **said)
    addend = "i2" if problem.arithmetic.integer else "c8" if problem.components == 2 else "f4"
    bias = numbers(kernel[:1], addend, seed=4) if "bias" in asked else None
    residual = numbers(problem.output_shape, addend, seed=5) if "residual" in asked else None
    before = numbers(problem.output_shape, problem.dtype, seed=6) if "beta" in said else None

    def result(x=x, part=slice(None), **how):
        some = None if residual is None else residual[part]
        out = None if before is None else before[part].copy()
        return run(x, w, bias, residual=some, out=out, isa=isa, **said, **how)

    expected = result(threads=1)
    for algorithm, threads, prepared in product(ALGORITHMS, (1, 2, 7), (False, True)):
        same(result(algorithm=algorithm, threads=threads, prepared=prepared), expected)
    for part in (slice(0, 1), slice(1, None)):
        same(result(x[part], part), expected[part])
    for (algorithm, orientation), seed in product(WAYS, range(5)):
        with any_schedule(orientation, seed):
            same(result(algorithm=algorithm, threads=2), expected)
            if before is None:
                out = WRITEABLE["steps"](np.empty_like(expected))
                same(run(x, w, bias, residual=residual, out=out, isa=isa, **said), expected)


# ---- anything ----------------------------------------------------------------------------------

SIZES = {1: 41, 2: 13, 3: 5}  # the longest axis, by rank
REACH = {1: 50, 2: 23, 3: 7}  # the most padding
TOGETHER = [
    (a, b) for a, b in product(EVERY, EVERY) if dtypes.choose(a, b, None, 1) is not None
]  # fmt: skip
WHOLE = ["relu", "relu6", ("clip", -2, 3)]
REAL = [*WHOLE, ("leaky_relu", 0.1), "sigmoid", "tanh", "silu", "gelu", "hardswish"]


def laid_out(draw, array, layouts):
    """The array in one of the layouts; NumPy has no swapped bfloat16."""
    names = [name for name in sorted(layouts) if array.dtype != BF16 or "swapped" not in name]
    return layouts[draw(st.sampled_from(names))](array)


@st.composite
def epilogues(draw, whole, parts):
    said = {}
    if parts == 1 and draw(st.booleans()):
        said["activation"] = draw(st.sampled_from(WHOLE if whole else REAL))
    if draw(st.booleans()):
        said["alpha"] = draw(st.sampled_from([2, -1, 3] if whole else [0.5, -2.0]))
    if parts == 1 and draw(st.booleans()):
        kinds = INTEGERS if whole else (*FLOATS, *INTEGERS)
        said["dtype"] = draw(st.sampled_from(kinds))
        words = ["wrap", "saturate"] if whole or said["dtype"] in FLOATS else ["saturate"]
        said["overflow"] = draw(st.sampled_from(words))
    if draw(st.integers(0, 3)) == 0:
        said["beta"] = draw(st.sampled_from([1, -2]))
    return said


@st.composite
def problems(draw, pairs=TOGETHER):
    """(input, weight, bias, keywords of the convolution)."""
    rank = draw(st.integers(1, 3))

    def per_axis(entries):
        return draw(st.lists(entries, min_size=rank, max_size=rank))

    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    c_in, c_out = draw(st.sampled_from([1, 2, 3, 5, 17, 37, 0])), draw(st.integers(1, 19))
    batch = draw(st.sampled_from([(), (1,), (2,), (3,), (0,)]))
    last = draw(st.booleans())
    src = per_axis(st.integers(0, SIZES[rank]))
    side = st.integers(-3, 4) | st.integers(-2, REACH[rank])
    pair = st.tuples(side, side)
    said = {
        "stride": per_axis(st.integers(1, 4)),
        "dilation": per_axis(st.sampled_from([1, 1, 2, 3])),
        "padding": draw(st.sampled_from(WORDS) | st.lists(pair, min_size=rank, max_size=rank)),
        "padding_mode": draw(st.sampled_from(MODES)) if draw(st.booleans())
        else per_axis(st.sampled_from(MODES)),
        "groups": groups, "channels_last": last, "flip": draw(st.booleans()),
    }  # fmt: skip
    said["padding_value"] = draw(st.integers(0, 1)) if "constant" in said["padding_mode"] else 0
    kinds = draw(st.sampled_from(pairs))
    x = numbers((*batch, *src, groups * c_in) if last else (*batch, groups * c_in, *src), kinds[0])
    w = numbers((groups * c_out, c_in, *per_axis(st.integers(1, 5))), kinds[1], seed=1)
    try:
        problem = specified(x, w, **said)
        said |= draw(epilogues(problem.arithmetic.integer, problem.components))
        problem = specified(x, w, **said)
    except (TypeError, ValueError) as error:
        refused = ("but a kernel of size", "has size 0", "must have a common dtype")
        if not any(words in str(error) for words in refused):
            raise
        assume(False)
    x, w = laid_out(draw, x, READABLE), laid_out(draw, w, READABLE)
    addend = (
        ["i2", "u1"]
        if problem.arithmetic.integer
        else ["c8"]
        if problem.components == 2
        else FLOATS
    )
    bias = residual = None
    if draw(st.booleans()):
        bias = laid_out(draw, numbers(w.shape[:1], draw(st.sampled_from(addend)), 2),
                        {name: READABLE[name] for name in ("steps", "backwards", "misaligned")}
                        )  # fmt: skip
    if draw(st.integers(0, 2)) == 0:
        residual = numbers(problem.output_shape, draw(st.sampled_from(addend)), 3)
        residual = laid_out(draw, residual, READABLE)
    return x, w, bias, residual, said


hows = st.fixed_dictionaries(
    {
        "algorithm": st.sampled_from(["auto", *ALGORITHMS]),
        "isa": st.sampled_from(ISAS),
        "threads": st.sampled_from([1, 2, 3, 7]),
        "prepared": st.booleans(),
    }
)
OUT = ["none", "fresh", "fresh", "is residual", "overlaps residual", "overlaps input"]


def beside(draw, dtypes_and_shapes):
    """Arrays that begin 16 bytes apart in the same memory, all in the same layout."""
    layout = draw(st.sampled_from(["contiguous", "steps", "backwards"]))
    twice = 2 if layout == "steps" else 1
    wide = [(dtype, (*shape[:-1], twice * shape[-1])) for dtype, shape in dtypes_and_shapes]
    sizes = [dtype.itemsize * int(np.prod(shape, dtype=int)) for dtype, shape in wide]
    memory, arrays = np.zeros(max(sizes) + 16, np.uint8), []
    for number, (dtype, shape) in enumerate(wide):
        array = np.ndarray(shape, dtype, memory, 16 * number)
        arrays.append(array[..., :: {"contiguous": 1, "steps": 2, "backwards": -1}[layout]])
    return arrays


def arranged(draw, x, residual, problem, where):
    """(input, residual, out), of which some share memory."""
    dtype, shape = problem.dtype, problem.output_shape
    if where == "overlaps input" and not problem.reads_out:
        shared, out = beside(draw, [(x.dtype, x.shape), (dtype, shape)])
        shared[...] = x
        return shared, residual, out
    if where == "overlaps residual" and residual is not None:
        out, shared = beside(draw, [(dtype, shape), (dtype, shape)])
        shared[...] = numbers(shape, dtype, 3)
        return x, shared, out
    if where == "none" and not problem.reads_out:
        return x, residual, None
    out = laid_out(draw, numbers(shape, dtype, 4), WRITEABLE)
    return x, out if where == "is residual" and residual is not None else residual, out


def several(share):
    return settings(
        max_examples=max(1, int(EXAMPLES * share)),
        deadline=None,
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    )


def check(data, problem, how, where):
    x, w, bias, residual, said = problem
    spec = specified(x, w, bias, residual, **said)
    x, residual, out = arranged(data.draw, x, residual, spec, where)
    with np.errstate(invalid="ignore"):
        before = None if out is None else out.copy()
        expected = truth(x, w, bias, None if residual is None else residual.copy(), before, **said)
    got = run(x, w, bias, residual=residual, out=out, **said, **how)
    assert out is None or got is out
    with np.errstate(invalid="ignore"):
        assert_near(got, spec, *expected)


@several(0.4)
@given(data=st.data(), problem=problems(), how=hows, where=st.sampled_from(OUT))
def test_anything(data, problem, how, where):
    check(data, problem, how, where)


TRUE = [pair for pair in TOGETHER if set(pair) <= {np.dtype("f4"), np.dtype("f8")}]


@several(0.2)
@given(data=st.data(), problem=problems(TRUE), how=hows, where=st.sampled_from(OUT))
def test_infinities_and_nans_touch_what_they_meet(data, problem, how, where):
    """On a border that repeats numbers they are repeated; on padding of 0 they add nothing."""
    x, w, bias, residual, said = problem
    kept = said.get("activation") in (None, "relu", "sigmoid", "tanh")
    said = {name: value for name, value in said.items()
            if name not in ("dtype", "overflow") and (kept or name != "activation")}  # fmt: skip
    x, w = x.copy(), w.copy()
    for array in (x, w):
        for _ in range(data.draw(st.integers(0, 2)) if array.size else 0):
            at = data.draw(st.integers(0, array.size - 1))
            array.flat[at] = data.draw(st.sampled_from([np.inf, -np.inf, np.nan]))
    check(data, (x, w, bias, residual, said), how, where)


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("way", ["residual", "beta"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_bad_weight_where_the_output_is_read(algorithm, way, prepared):
    """A NaN that meets padding is found too late to begin anew with what was in the output."""
    x, w = numbers((2, 3, 7, 11)), numbers((17, 3, 3, 5), seed=1)
    w[5, 1, 0, 0] = np.nan
    out = numbers((2, 17, 7, 11), seed=2)
    said = {"padding": "same"} | ({"beta": 2} if way == "beta" else {})
    given = {"residual": out} if way == "residual" else {}
    expected = truth(x, w, out=out.copy(), **{name: out.copy() for name in given}, **said)
    run(x, w, out=out, algorithm=algorithm, prepared=prepared, **given, **said)
    assert_near(out, specified(x, w, **given, **said), *expected)
