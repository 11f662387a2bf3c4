# SPDX-License-Identifier: BSD-3-Clause
"""Activations: how far from their formulas, in units of the last place; and what they do to inf,
NaN and integers."""

import re

import numpy as np
import pytest
import scipy.special
from arrays import numbers
from truth import WORST
from ways import ALGORITHMS, ISAS, run

import fastconv
from fastconv._spec import epilogue

pytestmark = pytest.mark.usefixtures("poisoned")

WIDE = np.longdouble
PRECISE = np.finfo(WIDE).nmant > 60  # elsewhere the truth is only as good as float64

# exp(-y) becomes 0 where it is below this many times the least normal number.
LEAST = 1.5

# x Phi(x), to 21 digits.
GELU = [
    (-37.5, "-1.72700737859323306644e-306"),
    (-30.0, "-1.47201417814445611786e-196"),
    (-21.0, "-6.88648383985597547344e-97"),
    (-13.0, "-7.95231371941484358696e-38"),
    (-9.5, "-9.96978932159447711819e-21"),
    (-6.25, "-1.28266464076183680101e-9"),
    (-4.5, "-0.0000152895290612852718076"),
    (-3.25, "-0.00187533138776999288948"),
    (-2.5, "-0.0155241633144403379174"),
    (-1.75, "-0.0701035245116799082328"),
    (-1.0, "-0.158655253931457051415"),
    (-0.75, "-0.169970514282651149495"),
    (-0.328125, "-0.12186843903665180462"),
    (-0.015625, "-0.00771510594531422370573"),
    (9.0949470177292824e-13, "4.54747350886794116277e-13"),
    (0.03125, "0.0160145286698242852282"),
    (0.34375, "0.218103478762797825416"),
    (0.75, "0.580029485717348850505"),
    (1.0, "0.841344746068542948585"),
    (1.5, "1.39978919809671290099"),
    (2.25, "2.22249493652614941791"),
    (3.5, "3.49918579822337566237"),
    (5.75, "5.74999997434250839007"),
    (8.5, "8.49999999999999991942"),
]


def through(x, activation, isa=None, **said):
    """The activation of numbers, through a convolution with a weight of 1."""
    w = np.ones((1, 1, 1), x.dtype)
    return run(x.reshape(1, 1, -1), w, activation=activation, isa=isa, **said)[0, 0]


# ---- the truth ---------------------------------------------------------------------------------


def sigmoid(x):
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def ndtr(x):
    """Phi(x): for |x| > 2 a continued fraction, else a series.

    exp(-x^2 / 2) in two parts: the square of the upper half of the digits of x is exact.
    """
    size = np.minimum(np.abs(x), 200)  # far beyond what either dtype holds
    head = size.astype("f4").astype(WIDE)
    density = np.exp(-head * head / 2) * np.exp(-(size - head) * (size + head) / 2)
    density = density / np.sqrt(WIDE("6.28318530717958647692528676655900577"))
    fraction, term = size, size
    for n in range(400, 0, -1):
        fraction = size + n / fraction
    total = term
    for n in range(1, 80):
        term = term * np.minimum(size, 3) ** 2 / (2 * n + 1)
        total = total + term
    tail = np.where(size > 2, density / fraction, WIDE(0.5) - density * total)
    return np.where(x < 0, tail, 1 - tail)


FORMULAS = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: x * ndtr(x),
    "hardswish": lambda x: x * (np.clip(x + 3, 0, 6) / 6),
}


def spread(dtype):
    """Numbers of every size, of both signs, most of them where the functions bend."""
    random, limits = np.random.default_rng(1), np.finfo(dtype)
    ends = np.log(float(limits.tiny)), np.log(float(limits.max))
    end = {"f4": 120, "f8": 760}[dtype]
    x = [
        random.uniform(0, 4, 30_011),
        random.uniform(0, 45, 30_011),
        random.uniform(0, end, 10_007),
        np.exp(random.uniform(ends[0], 0, 10_007)),
        np.exp(random.uniform(0, ends[1], 2003)),
        [0, 1, 3, 6, 40, limits.tiny, 2 * limits.tiny, limits.smallest_subnormal, limits.max],
    ]
    x = np.concatenate(x).astype(dtype)
    return np.concatenate([x, -x])


def errors(got, true, x):
    """In ulp; those that `LEAST` explains count as none."""
    limits = np.finfo(got.dtype)
    size = np.maximum(np.abs(true), limits.tiny).astype(got.dtype)
    error = np.abs(got.astype(WIDE) - true)
    lost = LEAST * WIDE(limits.tiny) * np.maximum(1, np.abs(x.astype(WIDE)))
    return np.where(error <= np.where(np.abs(true) <= lost, lost, 0), 0, error / np.spacing(size))


def test_the_truth_is_true():
    x = np.array([number for number, _ in GELU])
    true = np.array([WIDE(text) for _, text in GELU])
    near = 3e-18 if PRECISE else 1e-13
    np.testing.assert_array_less(np.abs(FORMULAS["gelu"](x.astype(WIDE)) / true - 1), near)
    every = np.linspace(-30, 8, 4001)
    np.testing.assert_allclose(
        ndtr(every.astype(WIDE)).astype("f8"), scipy.special.ndtr(every), rtol=1e-12
    )


# ---- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WORST)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("isa", ISAS)
def test_error(isa, dtype, name):
    x = spread(dtype)
    with np.errstate(all="ignore"):
        true = FORMULAS[name](x.astype(WIDE))
        error = errors(through(x, name, isa), true, x)
    worst = np.argmax(error)
    most = WORST[name][dtype] + (0 if PRECISE or dtype == "f4" else 2)
    assert error[worst] <= most, f"{error[worst]} ulp at {x[worst]!r}"


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("isa", ISAS)
def test_gelu_at_some_numbers(isa, dtype):
    """Numbers that both dtypes hold, against digits."""
    x = np.array([number for number, _ in GELU], dtype)
    true = np.array([WIDE(text) for _, text in GELU])
    assert errors(through(x, "gelu", isa), true, x).max() <= WORST["gelu"][dtype]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("isa", ISAS)
def test_exact_ones(isa, dtype):
    x = np.concatenate([spread(dtype), np.array([np.inf, -np.inf, np.nan], dtype)])
    slope = np.dtype(dtype).type(0.1)
    with np.errstate(over="ignore"):
        twice = x * -2
    for activation, expected in {
        "none": x,
        "relu": np.where(x < 0, 0, x),
        "relu6": np.clip(x, 0, 6),
        ("clip", -1.5, 2.25): np.clip(x, -1.5, 2.25),
        ("clip", -np.inf, 0.1): np.minimum(x, slope),
        ("leaky_relu", 0.1): np.where(x < 0, x * slope, x),
        ("leaky_relu", -2): np.where(x < 0, twice, x),
    }.items():
        np.testing.assert_array_equal(through(x, activation, isa), expected, str(activation))


# ---- ends --------------------------------------------------------------------------------------

# At -inf, -0, inf; silu and hardswish are -inf * 0 there, as in PyTorch.
ENDS = {
    "relu": (0, 0, np.inf),
    "relu6": (0, 0, 6),
    ("clip", -2, 3): (-2, 0, 3),
    ("leaky_relu", 0.5): (-np.inf, 0, np.inf),
    "sigmoid": (0, 0.5, 1),
    "tanh": (-1, 0, 1),
    "silu": (np.nan, 0, np.inf),
    "gelu": (np.nan, 0, np.inf),
    "hardswish": (np.nan, 0, np.inf),
}


def test_the_list_is_complete():
    assert {name if isinstance(name, str) else name[0] for name in ENDS} == set(epilogue.NAMED)


@pytest.mark.parametrize("activation", ENDS, ids=str)
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
@pytest.mark.parametrize("isa", ISAS)
def test_inf_nan_and_zero(isa, dtype, activation):
    x = np.array([-np.inf, -0.0, np.inf, np.nan] * 11, dtype)
    got = through(x, activation, isa).reshape(11, 4)
    np.testing.assert_array_equal(got, np.tile([*ENDS[activation], np.nan], (11, 1)).astype(dtype))


@pytest.mark.parametrize("activation", ENDS, ids=str)
@pytest.mark.parametrize("isa", ISAS)
def test_the_largest_numbers_stay_what_they_are(isa, activation):
    """What goes on as x does not overflow on its way."""
    for dtype in ("f4", "f8"):
        x = np.array([np.finfo(dtype).max, np.finfo(dtype).max / 2] * 7, dtype)
        if ENDS[activation][2] == np.inf:
            np.testing.assert_array_equal(through(x, activation, isa), x)


@pytest.mark.parametrize("isa", ISAS)
def test_bounds(isa):
    """No value is beyond what the function reaches."""
    for dtype in ("f4", "f8"):
        x = spread(dtype)
        for name, low, high in (("sigmoid", 0, 1), ("tanh", -1, 1)):
            got = through(x, name, isa)
            assert got.min() == low
            assert got.max() == high
        tanh = through(x, "tanh", isa)
        np.testing.assert_array_equal(tanh[: len(x) // 2], -tanh[len(x) // 2 :])


# ---- on the way to the output ------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("isa", ISAS)
def test_after_all_that_is_added(isa, algorithm):
    """activation(alpha conv + bias + beta out + residual): each could change the sign."""
    x, w = np.ones((1, 1, 3, 67), "f4"), np.ones((5, 1, 1, 1), "f4")
    w[:, 0, 0, 0] = range(5)
    out, residual = (np.full((1, 5, 3, 67), value, "f4") for value in (3, 0.25))
    bias = np.array([0.5, 1, -2, 4, -40], "f4")
    got = run(x, w, bias, isa=isa, algorithm=algorithm, alpha=-2, beta=4, out=out,
              residual=residual, activation="relu")  # fmt: skip
    total = -2.0 * np.arange(5) + bias + 4 * 3 + 0.25
    assert total.min() < 0 < total.max()
    np.testing.assert_array_equal(got[0, :, 1, 5], np.maximum(total, 0))
    assert (got == got[..., :1, :1]).all()


@pytest.mark.parametrize("isa", ISAS)
def test_of_integers(isa):
    x = numbers((2, 3, 5, 7), "i2")
    w = np.eye(3, dtype="i2")[..., None, None]
    for activation, low, high in (
        ("relu", 0, 2**15), ("relu6", 0, 6), (("clip", -300, 2**15), -300, 2**15),
        (("clip", np.int8(-3), True + 1), -3, 2),
    ):  # fmt: skip
        np.testing.assert_array_equal(
            run(x, w, isa=isa, activation=activation), np.clip(x.astype("i8"), low, high)
        )


@pytest.mark.parametrize("name", WORST)
@pytest.mark.parametrize("isa", ISAS)
def test_of_float16(isa, name):
    """In float32, rounded once."""
    x = np.linspace(-12, 12, 4001).astype("f2")
    wide = through(x.astype("f4"), name, isa)
    np.testing.assert_array_equal(through(x, name, isa), wide.astype("f2"))


# ---- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("activation", "words"),
    [
        ("mish", "one of 'relu', 'relu6', ('leaky_relu', slope), ('clip', low, high)"),
        ("leaky_relu", "but it must be ('leaky_relu', slope)"),
        (("relu", 1), "but it must be 'relu'"),
        (("clip", 1), "but it must be ('clip', low, high)"),
        (("clip", 2, 1), "but low must be at most high"),
        (("clip", np.nan, 1), "but low must be at most high"),
        (("clip", "a", 1), "low is 'a', but it must be a real number"),
        (("leaky_relu", 1j), "slope is 1j, but it must be a real number"),
        (1, "must be None"), ((), "must be None"), ([], "must be None"), (np.tanh, "must be None"),
    ],
)  # fmt: skip
def test_refused(activation, words):
    x = np.ones((1, 1, 3), "f4")
    with pytest.raises((TypeError, ValueError)) as caught:
        fastconv.conv1d(x, x, activation=activation)
    assert re.match("conv1d: activation('s (low|high|slope))? is ", str(caught.value))
    assert words in str(caught.value)


@pytest.mark.parametrize("dtype", ["i4", "i8"])
def test_bounds_beyond_the_sums_of_integers(dtype):
    x, w = np.array([[[-5, 5, 7]]], "i1"), np.ones((1, 1, 1), "i1")
    for bounds in ((0, 2**31), (0, 2**40), (-(2**40), 2**31 - 1), (-(2**31) - 1, 6)):
        got = fastconv.conv1d(x, w, activation=("clip", *bounds), dtype=dtype)
        np.testing.assert_array_equal(got, np.clip([[[-5, 5, 7]]], *bounds))
    got = fastconv.conv1d(x, w, activation=("clip", 2**40, 2**41), dtype="i8")
    np.testing.assert_array_equal(got, [[[2**40] * 3]])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("isa", ISAS)
def test_a_bound_of_minus_zero_is_one_of_zero(isa, algorithm):
    for dtype in ("f4", "f8"):
        for count in (1, 2, 3, 4, 17, 40):
            for value, bounds in ((1, (-1.0, -0.0)), (-1, (-0.0, 1.0))):
                x, w = np.full((1, count), value, dtype), np.ones((1, 1, 1), dtype)
                with fastconv.settings(isa=isa, algorithm=algorithm):
                    got = fastconv.conv1d(x, w, activation=("clip", *bounds))
                assert not np.signbit(got).any()
