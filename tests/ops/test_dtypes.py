# SPDX-License-Identifier: BSD-3-Clause
"""The table of fastconv/_spec/dtypes.py: what goes in, what it is summed in, what comes out."""

import ml_dtypes
import numpy as np
import pytest
from arrays import BF16, BOOL, COMPLEX, EVERY, FLOATS, INTEGERS, WRITEABLE, numbers
from truth import assert_right, specified
from ways import ALGORITHMS, ISAS, run

import fastconv
from fastconv._spec import dtypes

pytestmark = pytest.mark.usefixtures("poisoned")

SMALL = tuple(map(np.dtype, ("?", "u1", "i1")))


def ones(shape, dtype):
    return np.ones(shape, dtype)


def through(x, dtype=None, isa=None, weight=None, **said):
    """The numbers of `x` through a convolution with a weight of 1."""
    x = np.asarray(x)
    w = ones((1, 1, 1), weight or x.dtype)
    return run(x.reshape(1, 1, -1), w, dtype=dtype, isa=isa, **said).reshape(x.shape)


def cast(x, dtype):
    """What NumPy makes of it, which warns of inf and of a signalling NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        return x.astype(dtype)


def same(got, expected):
    """Equal, with the sign of inf, and NaN where there is NaN."""
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(cast(got, "f8"), cast(expected, "f8"))


# ---- the table ---------------------------------------------------------------------------------


@pytest.mark.parametrize("second", EVERY, ids=str)
@pytest.mark.parametrize("first", EVERY, ids=str)
def test_what_comes_out(first, second):
    """Of integers int32 or int64; else what NumPy promotes both to, if it is known here."""
    x, w = ones((1, 3, 7), first), ones((2, 3, 3), second)
    whole = dtypes.is_integer(first) and dtypes.is_integer(second)
    try:
        expected = np.result_type(first, second)
    except TypeError:
        with pytest.raises(
            TypeError, match="they must have a common dtype; convert one, as by input"
        ):
            fastconv.conv1d(x, w)
        return
    if whole:
        expected = np.dtype("i4" if {first, second} <= set(SMALL) else "i8")
    got = fastconv.conv1d(x, w)
    assert got.dtype == expected
    np.testing.assert_array_equal(got, np.full((1, 2, 5), 9))


TABLE = [
    ("f2", "f2", 9, "ff", "f2"), ("f4", "f4", 9, "ff", "f4"), ("f2", "f4", 9, "ff", "f4"),
    (BF16, BF16, 9, "ff", BF16), (BF16, "f4", 9, "ff", "f4"), ("f4", "f8", 9, "dd", "f8"),
    ("c8", "c8", 9, "ff", "c8"), ("c8", "f4", 9, "ff", "c8"), ("f8", "c8", 9, "dd", "c16"),
    ("?", "?", 9, "fi", "i4"), ("u1", "i1", 9, "fi", "i4"), ("i1", "i1", 2**17 - 1, "fi", "i4"),
    ("i1", "i1", 2**17, "dq", "i8"), ("u1", "u1", 33025, "fi", "i4"),
    ("u1", "u1", 33026, "dq", "i8"), ("u1", "i1", 65793, "fi", "i4"),
    ("u1", "i1", 65794, "dq", "i8"),
    ("i2", "i2", 9, "dq", "i8"), ("u2", "u2", 10**6, "dq", "i8"), ("i2", "i1", 9, "dq", "i8"),
    ("u4", "u1", 10**6, "dq", "i8"), ("i1", "i4", 9, "dq", "i8"), ("i4", "i4", 9, "lq", "i8"),
    ("i4", "u2", 999, "lq", "i8"), ("u4", "u2", 9, "qq", "i8"), ("i8", "?", 9, "qq", "i8"),
    ("u8", "u8", 9, "qq", "i8"), ("u1", "f4", 9, "ff", "f4"), ("i4", "f4", 9, "dd", "f8"),
    ("?", "f2", 9, "ff", "f2"), ("i8", "c8", 9, "dd", "c16"),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_what_is_computed_in(row):
    first, second, depth, arithmetic, output = row
    chosen, result = dtypes.choose(np.dtype(first), np.dtype(second), None, depth)
    assert (chosen.tile + chosen.total, result) == (arithmetic, np.dtype(output))
    assert chosen.integer == (arithmetic[1] in "iq")


def test_blocks_of_integers_are_exact():
    """The largest sum of a block of k stays below what the tile holds exactly."""
    for first in (BOOL, *INTEGERS):
        for second in (BOOL, *INTEGERS):
            for depth in (1, 31, dtypes.BLOCK_K, 10**6):
                (tile, total), _ = dtypes.choose(first, second, None, depth)
                limits = [1 if d == BOOL else max(-int(np.iinfo(d).min), int(np.iinfo(d).max))
                          for d in (first, second)]  # fmt: skip
                block = limits[0] * limits[1] * min(depth, dtypes.BLOCK_K)
                assert tile in "ql" or block <= {"f": 2**24, "d": 2**53}[tile]
                assert tile != "l" or max(limits) <= 2**31
                assert total == "q" or limits[0] * limits[1] * depth < 2**31


@pytest.mark.parametrize("dtype", FLOATS + COMPLEX, ids=str)
def test_a_wider_dtype_is_summed_in(dtype):
    """A dtype that is asked for is one of those that are promoted."""
    x, w = ones((1, 1, 3), "f4"), ones((1, 1, 1), "f4")
    wide = dtype in (np.dtype("f8"), np.dtype("c16"))
    problem = specified(x, w, dtype=dtype)
    assert problem.arithmetic.tile == ("d" if wide else "f")
    for word in (dtype, dtype.type, dtype.newbyteorder() if dtype != BF16 else dtype):
        got = fastconv.conv1d(x, w, dtype=word)
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, x)


def test_float64_on_demand_is_no_float32_made_longer():
    x, w = np.full((1, 1, 3), 1 / 3, "f4"), np.full((1, 1, 1), 1 / 3, "f4")
    expected = np.float64(x[0, 0, 0]) * np.float64(w[0, 0, 0])
    assert fastconv.conv1d(x, w, dtype="f8")[0, 0, 0] == expected != np.float32(expected)


def test_a_kept_plan_serves_only_what_was_asked_for():
    x, w = numbers((1, 3, 7)), numbers((5, 3, 3), seed=1)
    for dtype in (np.dtype("f8"), None, np.float64, "f8", np.dtype("f4"), np.dtype("f8")):
        got = fastconv.conv1d(x, w, dtype=dtype)
        assert got.dtype == np.dtype("f4" if dtype is None else dtype)


@pytest.mark.parametrize("said", [{"flip": 0}, {"channels_last": 0}, {"alpha": 1.0}, {"beta": 0.0},
                                  {"padding_value": 0.0}], ids=str)  # fmt: skip
def test_a_kept_plan_excuses_no_argument(said):
    x, w = numbers((1, 3, 7), "i2"), numbers((5, 3, 3), "i2", seed=1)
    fastconv.conv1d(x, w)
    with pytest.raises(TypeError):
        fastconv.conv1d(x, w, **said)


# ---- integers ----------------------------------------------------------------------------------

LIMITS = {d: (0, 1) if d == BOOL else (np.iinfo(d).min, np.iinfo(d).max) for d in (BOOL, *INTEGERS)}


def wrapped(number, bits):
    """As two's complement has it."""
    return (number + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("second", [BOOL, *INTEGERS], ids=str)
@pytest.mark.parametrize("first", [BOOL, *INTEGERS], ids=str)
def test_extremes_are_exact(first, second, isa, algorithm):
    """All numbers the least or the largest; more than int64 holds wraps, as in NumPy."""
    depth = 3 * 101
    for low in LIMITS[first]:
        for high in LIMITS[second]:
            x, w = np.full((1, 101, 5, 3), low, first), np.full((17, 101, 3, 1), high, second)
            got = run(x, w, isa=isa, algorithm=algorithm)
            expected = wrapped(int(low) * int(high) * depth, 64)
            assert (got == expected).all()
            assert got.shape == (1, 17, 3, 3)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("pair", ["u1 u1", "i1 i1"])
def test_sums_beyond_int32(pair, algorithm):
    first, second = map(np.dtype, pair.split())
    number = LIMITS[first][pair == "u1 u1"]
    for depth, output in ((33025, "i4"), (131101, "i8")):
        x, w = np.full((1, depth, 2), number, first), np.full((3, depth, 1), number, second)
        got = run(x, w, algorithm=algorithm)
        assert got.dtype == output
        assert (got == int(number) ** 2 * depth).all()


def test_an_addend_does_not_overflow_the_sums_on_its_way():
    """int32 is what comes out, not what alpha, bias and residual are added in."""
    x, w = np.full((1, 33025, 1), 255, "u1"), np.full((1, 33025, 1), 255, "u1")
    product = 255 * 255 * 33025
    bias, residual = np.array([2**30], "i8"), np.full((1, 1, 1), -(2**31), "i8")
    for said, total in (({}, product + 2**30 - 2**31), ({"alpha": 5}, 5 * product - 2**30)):
        for dtype, overflow, expected in (
            (None, "wrap", wrapped(total, 32)),
            ("i8", "wrap", total),
            ("i4", "saturate", min(total, 2**31 - 1)),
        ):
            got = run(x, w, bias, residual=residual, dtype=dtype, overflow=overflow, **said)
            assert got.item() == expected


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("isa", ISAS)
def test_wrap_and_saturate(isa, dtype):
    """Sums of int64 near every bound, from every way to store them."""
    low, high = map(int, LIMITS[dtype])
    near = [bound + d for bound in (low, high, 0, *LIMITS[np.dtype("i4")]) for d in range(-3, 4)]
    near += [n + 2**8 for n in near] + [-(2**63), 2**63 - 1, -(2**40)]
    x = np.array([n for n in near if -(2**63) <= n < 2**63] * 3, "i8")
    with np.errstate(over="ignore"):
        wrap = x.astype(dtype)
    most = np.array([min(max(int(n), low), high) for n in x], dtype)
    for layout in ("contiguous", "swapped", "misaligned", "steps", "backwards"):
        for overflow, expected in (("wrap", wrap), ("saturate", most)):
            out = WRITEABLE[layout](np.empty((1, 1, len(x)), dtype))
            through(x, dtype, isa, overflow=overflow, out=out)
            np.testing.assert_array_equal(out[0, 0], expected)
    small = np.arange(-128, 128, dtype="i1")  # sums of int32
    np.testing.assert_array_equal(
        through(small, dtype, isa, overflow="saturate"), np.clip(small.astype("i8"), low, high)
    )
    np.testing.assert_array_equal(through(small, dtype, isa), small.astype(dtype))


@pytest.mark.parametrize("source", ["f4", "f8", "f2"])
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("isa", ISAS)
def test_rounding_to_integers(isa, dtype, source):
    """To the nearest, halves to even, what is beyond to the bound, NaN to 0."""
    low, high = map(int, LIMITS[dtype])
    halves = np.arange(-300.5, 300.5, 0.5)
    bounds = np.array([low, high, low + 1, high - 1, 2.0**24, 2.0**31, 2.0**53, 2.0**63], "f8")
    near = np.concatenate([bounds + d for d in (-1, -0.5, 0, 0.25, 0.5, 0.75, 1)])
    beyond = [np.inf, -np.inf, np.nan, -0.0, 1e30, -1e30, 65504, 0.49999997, 0.5000001, 2.5]
    with np.errstate(over="ignore"):
        x = np.concatenate([halves, near, -near, beyond]).astype(source)
    exact = [0 if np.isnan(n) else n if np.isinf(n) else round(float(n)) for n in x.astype("f8")]
    expected = np.array([low if n <= low else high if n >= high else int(n) for n in exact], dtype)
    np.testing.assert_array_equal(through(x, dtype, isa, overflow="saturate"), expected)


# ---- float16 and bfloat16 ----------------------------------------------------------------------

HALFS = np.arange(65536, dtype="u2")


def halves_between(dtype):
    """All neighbours of a 16-bit dtype, the points between them, and those beside these."""
    finite = cast(HALFS.view(dtype), "f8")
    finite = np.unique(finite[np.isfinite(finite)])
    middle = (finite[1:] + finite[:-1]) / 2
    beside = [np.nextafter(middle.astype("f4"), np.float32(side)) for side in (-np.inf, np.inf)]
    ends = [np.inf, -np.inf, np.nan, -0.0, 3.4e38, -3.4e38, 65504, 65519.996, 65520, 65536, 1e-45]
    return np.concatenate([finite, middle, *beside, ends]).astype("f4")


@pytest.mark.parametrize("layout", ["contiguous", "swapped", "misaligned", "steps"])
@pytest.mark.parametrize("dtype", ["f2", BF16], ids=str)
@pytest.mark.parametrize("isa", ISAS)
def test_all_of_them_come_in(isa, dtype, layout):
    """As the float32 or float64 that they are, also those below the least normal one."""
    if np.dtype(dtype) == BF16 and layout == "swapped":
        layout = "backwards"
    x = HALFS.view(dtype)
    given = WRITEABLE[layout](x.reshape(1, 1, -1))
    for wide in ("f4", "f8"):
        got = run(given, ones((1, 1, 1), "f4"), isa=isa, dtype=wide)[0, 0]
        same(got, cast(x, wide))


@pytest.mark.parametrize("source", ["f4", "f8"])
@pytest.mark.parametrize("dtype", ["f2", BF16], ids=str)
@pytest.mark.parametrize("isa", ISAS)
def test_rounding_to_16_bits(isa, dtype, source):
    """As NumPy and ml_dtypes cast, at each number, each half between two, and beside it."""
    x = halves_between(dtype).astype(source)
    expected = cast(cast(x, "f4") if dtype == BF16 else x, dtype)  # each is a float32
    same(through(x, dtype, isa), expected)
    np.testing.assert_array_equal(
        np.signbit(through(x, dtype, isa, weight="f4")[x != 0]), np.signbit(expected[x != 0])
    )


@pytest.mark.parametrize("dtype", ["f2", BF16], ids=str)
@pytest.mark.parametrize("isa", ISAS)
def test_all_of_them_come_out(isa, dtype):
    same(through(HALFS.view(dtype), None, isa), HALFS.view(dtype))


@pytest.mark.parametrize("dtype", ["f2", BF16], ids=str)
@pytest.mark.parametrize("isa", ISAS)
def test_float64_is_not_rounded_twice(isa, dtype):
    """Just beside a half of 16 bits, where float32 would be that half."""
    finite = cast(HALFS.view(dtype), "f8")
    finite = np.unique(finite[np.isfinite(finite)])
    middle = (finite[1:] + finite[:-1]) / 2
    for side in (-1, 1):
        x = middle * (1 + side * 2.0**-40)
        outwards = (side > 0) == (middle > 0)
        got = through(x, dtype, isa).astype("f8")
        np.testing.assert_array_equal(got, np.where(outwards, finite[1:], finite[:-1]))


def test_bfloat16_is_that_of_ml_dtypes():
    got = fastconv.conv1d(np.ones((1, 1, 3), ml_dtypes.bfloat16), np.ones((1, 1, 1), BF16))
    assert got.dtype.type is ml_dtypes.bfloat16
    assert dtypes.is_bfloat16(BF16)
    assert not dtypes.is_known(np.dtype(ml_dtypes.float8_e5m2))


# ---- complex -----------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("pair", ["c8 c8", "c16 c16", "c8 f4", "f4 c8", "c16 f4", "i4 c8", "c8 f2"])
@pytest.mark.parametrize("isa", ISAS)
def test_complex(isa, pair, algorithm):
    first, second = pair.split()
    for shape, kernel, said in (
        ((2, 3, 7, 11), (5, 3, 3, 2), {"padding": (1, 2)}),
        ((1, 131, 5, 3), (17, 131, 3, 1), {}),
        ((1, 6, 13), (4, 3, 5), {"groups": 2, "stride": 3, "dilation": 2}),
    ):
        x, w = numbers(shape, first), numbers(kernel, second, seed=1)
        bias = numbers(kernel[:1], "c8", seed=2)
        got = run(x, w, bias, isa=isa, algorithm=algorithm, **said)
        assert_right(got, x, w, bias, **said)


def test_no_weight_is_conjugated():
    x, w = np.array([[[2 + 3j, 5 - 7j]]]), np.array([[[11 + 13j]]])
    np.testing.assert_array_equal(fastconv.conv1d(x, w)[0, 0], x[0, 0] * (11 + 13j))
    np.testing.assert_array_equal(fastconv.conv1d(x, w, np.array([1 - 1j]), flip=True)[0, 0],
                                  x[0, 0] * (11 + 13j) + 1 - 1j)  # fmt: skip


# ---- what is refused ---------------------------------------------------------------------------

UNKNOWN = [
    "g",
    "G",
    "O",
    "M8[s]",
    "m8[s]",
    "U3",
    "S3",
    "f4,i4",
    ml_dtypes.float8_e4m3,
    ml_dtypes.int4,
    np.dtypes.StringDType(),
]


@pytest.mark.parametrize("dtype", UNKNOWN, ids=str)
def test_a_dtype_that_is_not_known(dtype):
    x, f = np.zeros((1, 1, 3), dtype), ones((1, 1, 3), "f4")
    needed = "but it must be (bool, )?an integer dtype, float16, bfloat16, "
    for argument, call in {
        "input": lambda: fastconv.conv1d(x, f),
        "weight": lambda: fastconv.conv1d(f, x),
        "dtype": lambda: fastconv.conv1d(f, f, dtype=x.dtype),
        "residual": lambda: fastconv.conv1d(f, f, residual=x[..., :1]),
        "bias": lambda: fastconv.conv1d(f, f, x[0, 0, :1]),
    }.items():
        with pytest.raises(TypeError, match=f"^conv1d: {argument} (is|has dtype) .*, {needed}"):
            call()
    with pytest.raises(TypeError, match=r"^conv1d: out has dtype .*, but it must be float32$"):
        fastconv.conv1d(f, f, out=x[..., :1])


WHOLE, REAL, PAIRS = "u1", "f4", "c8"


@pytest.mark.parametrize(
    ("dtype", "said", "words"),
    [
        (WHOLE, {"dtype": "?"}, "dtype is bool"),
        (REAL, {"dtype": "?"}, "dtype is bool"),
        (
            REAL,
            {"dtype": "i4"},
            "dtype is int32 and sums are float32, but then overflow must be 'saturate'",
        ),
        (PAIRS, {"dtype": "f8"}, "dtype is float64, but it must be complex"),
        (PAIRS, {"dtype": "i4", "overflow": "saturate"}, "dtype is int32, but it must be complex"),
        (WHOLE, {"bias": np.ones(1)}, "bias has dtype float64, but it must hold integers"),
        (WHOLE, {"residual": np.ones((1, 1, 1))}, "float64, but it must hold integers"),
        (REAL, {"bias": np.ones(1, "c8")}, "bias has dtype complex64, but it must be real"),
        (REAL, {"residual": np.ones((1, 1, 1), "c8")}, "complex64, but it must be real"),
        (PAIRS, {"residual": np.ones((1, 1, 1), "f4")}, "float32, but it must be complex"),
        (PAIRS, {"activation": "relu"}, "'relu', but it must be None for a result of complex64"),
        (WHOLE, {"activation": "gelu"}, "but it must be None or one of 'relu', 'relu6'"),
        (WHOLE, {"alpha": 0.5}, "alpha is 0.5, but it must be an integer where input and"),
        (WHOLE, {"beta": 1.0}, "beta is 1.0, but it must be an integer"),
        (WHOLE, {"activation": ("clip", 0, 1.5)}, "high is 1.5, but it must be an integer"),
        (REAL, {"alpha": 1j}, "alpha is 1j, but it must be a real number"),
        (REAL, {"overflow": "clip"}, "but it must be 'wrap' or 'saturate'"),
        (REAL, {"dtype": "nonsense"}, "dtype is 'nonsense'"),
        (WHOLE, {"alpha": 2**63}, "alpha"),
        (WHOLE, {"beta": -(2**63) - 1, "out": np.ones((1, 1, 1), "i4")}, "beta"),
        (WHOLE, {"activation": ("clip", 0, 2**64 - 1)}, "activation"),
    ],
)
def test_what_does_not_go_together(dtype, said, words):
    x = ones((1, 1, 3), dtype)
    with pytest.raises((TypeError, ValueError)) as caught:
        fastconv.conv1d(x, x, **said)
    assert str(caught.value).startswith("conv1d: ")
    assert words in str(caught.value)
