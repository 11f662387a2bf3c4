# SPDX-License-Identifier: BSD-3-Clause
"""Convolution of the elements that count: `where=` and nan_policy='omit'.

The truth is the formula, of three plain convolutions by the reference.
``FASTCONV_EXAMPLES=20000 pytest tests/ops/test_masked.py`` looks further.
"""

import os

import numpy as np
import pytest
from arrays import EVERY, READABLE, WRITEABLE, numbers
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from ways import CONV, ISAS

import fastconv
from fastconv import conv1d, conv2d, conv3d

EXAMPLES = int(os.environ.get("FASTCONV_EXAMPLES", "300"))
INTEGERS = {"input": np.ones((1, 3, 3, 3), int), "weight": np.ones((1, 1, 2, 2, 2), int)}
BORDERS = ("constant", "edge", "wrap", "mirror", "symmetric")

pytestmark = pytest.mark.usefixtures("poisoned")


def formula(x, w, valid, **said):
    """The result, and a bound of its rounding errors, for float64."""
    conv, wide = CONV[w.ndim - 2], np.result_type(x, w, np.float64)
    is_constant = "constant" in np.ravel(said.get("padding_mode", "constant"))
    constant = {"padding_value": int(is_constant)}
    x, w = np.where(valid, x, 0).astype(wide), w.astype(wide)
    valid = np.broadcast_to(valid, x.shape).astype(float)

    def summed(x, w, **more):
        return conv(x, w, algorithm="reference", **(said | more))

    size = abs(w)
    size[~size.any(tuple(range(1, w.ndim)))] = 1  # without weights, elements are counted
    elements = summed(x, w)
    counted = summed(valid, size, **constant)
    most = summed(np.ones_like(valid), size, **constant)
    with np.errstate(all="ignore"):
        share = np.where(counted == most, 1, most / counted)
        value = abs(complex(said.get("padding_value", 0)))
        bound = summed(abs(x), abs(w), padding_value=value) * share
        return elements * share, bound * (w[0].size + 16) * 4


@st.composite
def problems(draw):
    """(input, weight, where, keywords)."""
    rank = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    c_in, c_out = draw(st.sampled_from([1, 2, 5, 17])), draw(st.sampled_from([1, 2, 3, 17]))
    batch = draw(st.sampled_from([(), (1,), (3,)]))
    src = [draw(st.integers(1, {1: 61, 2: 23, 3: 9}[rank])) for _ in range(rank)]
    wei = [draw(st.sampled_from([1, 2, 3, 5])) for _ in range(rank)]
    modes = [draw(st.sampled_from(BORDERS)) for _ in range(rank)]
    said = {
        "stride": draw(st.integers(1, 3)),
        "padding": draw(st.sampled_from(["valid", "same", "full"]) | st.integers(-1, 4)),
        "dilation": draw(st.integers(1, 3)),
        "groups": groups,
        "padding_mode": modes,
        "channels_last": draw(st.booleans()),
        "flip": draw(st.booleans()),
    }
    dtypes = [draw(st.sampled_from(["f4", "f8", "f2", "c8", "i1", "?", "u2"])) for _ in range(2)]
    if "constant" in modes and dtypes[0] != "?":
        said["padding_value"] = draw(st.sampled_from([0, 3]))
    shape = (*batch, groups * c_in, *src)
    w = numbers((groups * c_out, c_in, *wei), dtypes[1], seed=1)
    if said["channels_last"]:
        shape = (*batch, *src, groups * c_in)
    x = numbers(shape, dtypes[0])
    random = np.random.default_rng(draw(st.integers(0, 9)))
    small = [draw(st.sampled_from([n, 1])) for n in shape][draw(st.integers(0, len(shape))) :]
    where = random.random(small) < draw(st.sampled_from([0.1, 0.5, 0.9, 1]))
    x, w = (READABLE[draw(st.sampled_from(sorted(READABLE)))](a) for a in (x, w))
    return x, w, draw(st.sampled_from([where, where, None])), said


def assert_near(got, wanted, bound):
    eps = np.finfo(got.dtype).eps
    assert np.array_equal(np.isnan(got), np.isnan(wanted))
    if got.dtype == np.float16:  # what is too large becomes inf
        wanted = wanted.astype(np.float16)
    same = (got == wanted) | np.isnan(wanted)
    with np.errstate(invalid="ignore"):
        far = abs(got - wanted) > eps * abs(wanted) + np.finfo(sums_of(got)).eps * bound
    assert not (far & ~same).any()


def sums_of(got):
    return got.dtype if got.dtype.itemsize > 4 or got.dtype.kind != "f" else np.float32


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    problems(),
    st.sampled_from(ISAS),
    st.sampled_from([1, 2, 3]),
    st.sampled_from(["auto", "direct", "im2col_gemm", "masked", "reference"]),
    st.sampled_from([None, *sorted(WRITEABLE)]),
)
def test_any_masked_convolution_is_that_of_the_formula(problem, isa, threads, algorithm, to):
    x, w, where, said = problem
    omit = {"nan_policy": "omit"}
    x = x.copy() if x.dtype.kind in "fc" else x
    if x.dtype.kind in "fc":
        x[np.random.default_rng(1).random(x.shape) < 0.3] = np.nan
        if where is not None and where.ndim % 2:
            x, omit = np.nan_to_num(x), {}
    valid = ~np.isnan(x) if where is None else ~np.isnan(x) & where
    try:
        wanted, bound = formula(x, w, valid, **said)
    except ValueError:  # no output
        assume(False)
    how = omit | {"where": where, "algorithm": algorithm, "threads": threads}
    conv, out = CONV[w.ndim - 2], None
    with fastconv.settings(isa=isa):
        if to is not None:
            dtype = fastconv.plan(conv, x, w, **said, **how).spec.dtype
            out = WRITEABLE[to](np.zeros(wanted.shape, dtype))
        got = conv(x, w, **said, **how, out=out)
    assert out is None or got is out
    assert_near(got, wanted, bound)


@pytest.mark.parametrize("layout", [False, True])
def test_bits_are_those_of_a_convolution_where_all_elements_count(layout):
    x, w = numbers((2, 5, 19, 23)), numbers((7, 5, 3, 3), seed=1)
    if layout:
        x = np.moveaxis(x, 1, -1).copy()
    said = {"padding": 2, "channels_last": layout, "padding_value": 5, "bias": numbers((7,))}
    plain = conv2d(x, w, **said)
    assert np.array_equal(conv2d(x, w, **said, nan_policy="omit"), plain)
    assert np.array_equal(conv2d(x, w, **said, where=True), plain)
    gap = x.copy()
    gap[0, 3, 3] = np.nan  # of the whole row of channels, or of one channel: all within a corner
    here = np.isnan(conv2d(gap, w, **said))
    got = conv2d(gap, w, **said, nan_policy="omit")
    assert here.any()
    assert not here.all()
    assert np.array_equal(got[~here], plain[~here])


def test_bits_do_not_depend_on_threads_or_batch():
    x, w = numbers((7, 3, 31, 29)), numbers((5, 3, 3, 5), seed=1)
    x[np.random.default_rng(0).random(x.shape) < 0.2] = np.nan
    one = conv2d(x, w, nan_policy="omit", threads=1)
    assert np.array_equal(conv2d(x, w, nan_policy="omit", threads=3), one)
    for image, wanted in zip(x, one, strict=True):
        assert np.array_equal(conv2d(image, w, nan_policy="omit"), wanted)


def test_many_images_are_done_some_at_a_time():
    x, w = numbers((11, 3, 131, 137)), numbers((2, 3, 3, 3), seed=1)
    where = numbers((11, 1, 131, 137), "?")
    said = {"bias": np.ones(2), "activation": "relu", "residual": numbers((11, 2, 129, 135))}
    assert "of 5 images at a time" in fastconv.plan(conv2d, x, w, where=where, **said).copies[0]
    got = conv2d(x, w, where=where, **said)
    for i in range(11):
        said["residual"] = numbers((11, 2, 129, 135))[i]
        one = conv2d(x[i], w, where=where[i], **said)
        assert np.array_equal(got[i], one, equal_nan=True)


@pytest.mark.parametrize("dtype", EVERY, ids=str)
def test_the_epilogue_comes_after_the_quotient(dtype):
    x, w = numbers((2, 4, 13, 11), dtype), numbers((3, 2, 3, 3), seed=1)
    w = np.concatenate([w, w[:1]])
    said = {
        "groups": 2,
        "bias": [1, 2, 3, 4],
        "alpha": 0.5,
        "where": numbers((13, 11), "?", seed=2),
    }
    if dtype.kind != "c":
        said["activation"] = "relu"
    residual = numbers((2, 4, 11, 9), np.result_type(x, w), seed=3)
    out = [residual.copy() for _ in range(2)]
    got, wanted = (
        conv2d(x, w, **said, beta=2, residual=residual, out=one, algorithm=algorithm)
        for one, algorithm in zip(out, ("auto", "reference"), strict=True)
    )
    most = np.nanmax(abs(wanted))
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=most * 1e-6)


def test_padding_counts_unless_it_is_nan():
    x, w = np.full((1, 1, 3, 3), 4.0), np.full((1, 1, 3, 3), 1 / 9)
    x[0, 0, 1, 1] = np.nan
    said = {"padding": 1, "nan_policy": "omit"}
    corner = conv2d(x, w, **said)[0, 0, 0, 0]
    assert np.isclose(corner, 3 * 4 / 9 * 9 / 8)
    assert np.allclose(conv2d(x, w, padding_value=np.nan, **said), 4)
    assert np.allclose(conv2d(np.nan_to_num(x, nan=4), w, padding_value=np.nan, **said), 4)


ALGORITHMS = pytest.mark.parametrize("algorithm", ["auto", "reference"])


@ALGORITHMS
@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_weights_that_are_not_finite_do_not_count_on_zero_padding(algorithm, odd):
    x, w = np.array([[1.0, 2, 3, 4, 5]]), np.array([[[odd, 1, 2]]])
    said = {"padding": ((1, 0),), "algorithm": algorithm}
    assert conv1d(x, w, **said)[0, 0] == 5
    assert conv1d(x, w, where=[1, 1, 1, 1, 0], **said)[0, 0] == 5
    got = conv1d(x, w, where=[1, 0, 1, 1, 1], **said)[0]
    assert got[0] == 1 * 3 / 1
    assert np.isnan(got[2])  # on an element that does not count


@ALGORITHMS
def test_an_infinite_part_leaves_the_other_one(algorithm):
    x, w = np.array([[1, 2, complex(np.inf, 3), 4]]), np.array([[[1.0, 2.0]]])
    got = conv1d(x, w, where=[0, 1, 1, 1], algorithm=algorithm)
    wanted = [[6, complex(np.inf, 6), complex(np.inf, 3)]]
    assert np.array_equal([got.real, got.imag], np.array([np.real(wanted), np.imag(wanted)]))


@ALGORITHMS
def test_numbers_that_are_too_large_do_not_warn(algorithm):
    x, w = np.ones((1, 2, 5), "f4"), np.full((1, 2, 2), 3e38, "f4")
    said = {"where": np.arange(5) < 3, "algorithm": algorithm}
    assert conv1d(x, w, **said)[0, 0, 0] == np.inf
    out = np.full((1, 1, 4), 3e38, "f4")
    assert (conv1d(x, w, beta=1e38, out=out, **said)[0, 0, :2] == np.inf).all()


@ALGORITHMS
def test_a_batch_may_be_empty(algorithm):
    said = {"padding_value": np.nan, "nan_policy": "omit", "algorithm": algorithm}
    assert conv1d(np.ones((0, 2, 5)), np.ones((3, 2, 2)), **said).shape == (0, 3, 4)


def test_no_element_that_counts_gives_nan():
    x, w = np.ones((1, 9)), np.array([[[0.0, 1.0, 2.0]]])
    got = conv1d(x, w, where=np.arange(9) < 4)
    assert np.array_equal(got, [[3, 3, 3, np.nan, np.nan, np.nan, np.nan]], equal_nan=True)
    assert np.isnan(conv1d(x, w, where=False)).all()


def test_integers_give_float64():
    x, w = numbers((1, 5, 7), "i2"), numbers((1, 1, 3, 3), "i2")
    assert conv2d(x, w, where=True).dtype == np.float64
    got = conv2d(x, w, where=x > 0, dtype=np.int16, overflow="saturate")
    assert got.dtype == np.int16
    with pytest.raises(ValueError, match=r"conv2d: dtype is int16 and sums are float64"):
        conv2d(x, w, where=x > 0, dtype=np.int16)


def test_the_input_may_be_the_output():
    x, w = numbers((2, 17, 19)), numbers((2, 2, 3, 3), seed=1)
    where = numbers((17, 19), "?")
    wanted = conv2d(x, w, padding=1, where=where, beta=1, out=x.copy())
    got = conv2d(x, w, padding=1, where=where, beta=1, out=x)
    assert np.array_equal(got, wanted, equal_nan=True)


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        (
            {"where": np.ones((2, 5))},
            ValueError,
            r"conv3d: where has shape \(2, 5\), but it must",
        ),
        ({"where": 1j}, TypeError, r"conv3d: where has dtype complex128, but it must be bool"),
        ({"nan_policy": "raise"}, ValueError, r"conv3d: nan_policy is 'raise', .*'omit'"),
        ({"nan_policy": 3}, TypeError, r"conv3d: nan_policy is 3"),
        ({"nan_policy": np.array(["omit"] * 2)}, TypeError, r"conv3d: nan_policy is array"),
        (
            {"where": True, "padding_value": 0.5, **INTEGERS},
            TypeError,
            r"conv3d: padding_value is 0.5, but it must be an integer",
        ),
        ({"where": True, "bias": [1, 2]}, ValueError, r"conv3d: bias has shape \(2,\), but it"),
        ({"where": True, "beta": 1}, ValueError, r"conv3d: beta is 1 and out is None"),
        (
            {"where": True, "out": np.ones(3, "f4")},
            ValueError,
            r"conv3d: out has shape \(3,\), but it",
        ),
        ({"where": True, "residual": 1.0}, ValueError, r"conv3d: residual has shape \(\)"),
        ({"where": True, "weight": None}, TypeError, r"conv3d: weight is None"),
        ({"where": True, "algorithm": "rows"}, ValueError, r"conv3d: algorithm is 'rows'"),
    ],
)
def test_errors_name_the_argument(said, error, message):
    arrays = {"input": numbers((1, 3, 3, 3)), "weight": numbers((1, 1, 2, 2, 2))}
    with pytest.raises(error, match=message):
        conv3d(**(arrays | said))


def test_the_plan_tells_what_runs():
    how = fastconv.plan(conv2d, (1, 3, 9, 9), (4, 3, 3, 3), where=(9, 9), threads=1)
    assert how.algorithm == "masked"
    assert [step.split(", ")[0] for step in how.steps] == [
        "sum of weight * input where it counts",
        "sum of |weight| where the input counts",
        "sum of |weight|",
    ]


def test_a_filter_without_weights_gives_nan_where_nothing_counts():
    x = np.array([[1.0, np.nan, np.nan, 4.0, 5.0]])
    w = np.array([[[0.0, 0.0]], [[1.0, 1.0]]])
    wanted = [[0, np.nan, 0, 0], [2, np.nan, 8, 9]]
    for algorithm in ("auto", "reference"):
        got = conv1d(x, w, nan_policy="omit", algorithm=algorithm)
        assert np.array_equal(got, [wanted[0], wanted[1]], equal_nan=True)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("size", [17, 31])
def test_bits_of_separable_kernels_where_all_elements_count(size, dtype):
    """Also near the padding, which is 1 in the sum of the weights that count."""
    x = numbers((1, 61, 71), dtype)
    kernel = fastconv.kernels.gaussian(sigma=size / 8.5, size=size).astype(dtype)[None, None]
    assert "separable" in fastconv.plan(conv2d, x, kernel, padding="same").algorithm
    gap = x.copy()
    gap[0, 30, 35] = np.nan
    plain = conv2d(x, kernel, padding="same")
    got = conv2d(gap, kernel, padding="same", nan_policy="omit")
    reach = size // 2
    near = np.zeros(x.shape, bool)
    near[0, 30 - reach : 31 + reach, 35 - reach : 36 + reach] = True
    assert np.array_equal(got[~near], plain[~near])


def test_a_layer_takes_no_mask():
    with pytest.raises(TypeError, match="prepare: where and nan_policy are for calls of conv2d"):
        fastconv.prepare(conv2d, np.ones((1, 1, 2, 2)), nan_policy="omit")


@pytest.mark.parametrize("algorithm", ["auto", "reference"])
@pytest.mark.parametrize("said", [{}, {"where": np.array([True, True, False])}])
def test_a_bias_beyond_the_dtype_of_the_sums_is_infinite(algorithm, said):
    x, w = np.ones((1, 1, 3), np.float32), np.ones((1, 1, 1), np.float32)
    with np.errstate(all="ignore"):
        y = fastconv.conv1d(
            x, w, np.array([-1e300]), activation="silu", algorithm=algorithm, **said
        )
    assert np.isnan(y).all()  # -inf * sigmoid(-inf)
