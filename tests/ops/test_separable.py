# SPDX-License-Identifier: BSD-3-Clause
"""separable_filter: what the outer product of its kernels gives, in passes along the axes."""

import pickle
import re
from functools import reduce

import numpy as np
import pytest
from arrays import BF16, READABLE, WRITEABLE, numbers
from filtered import CHANNELS, DEFAULTS, NDIMAGE, assert_filtered
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from truth import assert_same_bits, specified
from ways import ISAS, WORDS, with_caches

import fastconv
from fastconv import kernels, separable_filter
from fastconv._spec.borders import MODES
from fastconv._spec.dtypes import TOTALS

pytestmark = pytest.mark.usefixtures("poisoned")

WAYS = ("auto", "separable", "direct", "im2col_gemm", "reference")


def joined(factors, dtype="f8"):
    """The kernel as a whole."""
    ones = [
        np.ones(1, dtype) if factor is None else np.asarray(factor, dtype) for factor in factors
    ]
    return reduce(np.multiply.outer, ones)


def whole(image, factors, **said):
    """The kernel as a whole, in the dtype of the sums."""
    how = fastconv.plan(separable_filter, image, factors, **said)
    return joined(factors, TOTALS[how.spec.arithmetic.total])


# ---- what others do ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("sizes", "taps"),
    [((13,), (4,)), ((11, 13), (3, 4)), ((3, 2), (9, 8)), ((5, 7, 11), (3, 2, 5))],
)
def test_scipy_does_the_same(mode, sizes, taps):
    x, factors = numbers(sizes, "f8"), [numbers((n,), "f8", 1) for n in taps]
    said = {"padding_mode": mode, "padding_value": 2.5 if mode == "constant" else 0}
    correlated = separable_filter(x, factors, padding="same_lower", **said)
    convolved = separable_filter(x, factors, flip=True, **said)
    for word in NDIMAGE[mode]:
        expected = ndimage.correlate(x, joined(factors), mode=word, cval=2.5)
        np.testing.assert_allclose(correlated, expected, rtol=1e-12, atol=1e-12)
        expected = ndimage.convolve(x, joined(factors), mode=word, cval=2.5)
        np.testing.assert_allclose(convolved, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", ["u1", "i2", "f4"])
def test_opencv_does_the_same(dtype):
    import cv2

    image, column, row = numbers((23, 29, 3), dtype), numbers((5,), seed=1), numbers((4,), seed=2)
    expected = cv2.sepFilter2D(image, -1, row, column)
    got = separable_filter(image, [column, row], padding="same_lower")
    assert got.dtype == expected.dtype
    if dtype == "f4":
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    else:  # where a sum is near a half, it may be rounded to the other side
        assert np.abs(got.astype(int) - expected).max() <= 1
        assert (got != expected).mean() < 0.01


# ---- any filter --------------------------------------------------------------------------------


@st.composite
def filters(draw):
    """(image, kernels, bias, residual, keywords)."""
    rank = draw(st.integers(1, 3))

    def per_axis(entries):
        return draw(st.lists(entries, min_size=rank, max_size=rank))

    dtype = draw(
        st.sampled_from(["f4", "f4", "f8", "u1", "i1", "i2", "c8", "f2", BF16, "i8", "u4"])
    )
    taps = draw(st.sampled_from(["f4", "f8", "i1", "i2", "i8"]))
    assume(dtype != BF16 or taps == "f4")
    image = numbers((*per_axis(st.integers(1, 11)), *draw(st.sampled_from(CHANNELS))), dtype)
    factors = [
        numbers((n,), taps, seed=1) if n else None
        for n in per_axis(st.sampled_from([0, 1, 2, 3, 5]))
    ]
    side = st.integers(-1, 3)
    said = {
        "stride": per_axis(st.integers(1, 3)),
        "dilation": per_axis(st.integers(1, 3)),
        "padding": draw(
            st.sampled_from(WORDS) | st.integers(0, 3) | st.tuples(*[st.tuples(side, side)] * rank)
        ),
        "padding_mode": per_axis(st.sampled_from(sorted(MODES))),
        "flip": draw(st.booleans()),
        "alpha": draw(st.sampled_from([1, 2])),
        "activation": draw(st.sampled_from([None, "relu"])) if dtype != "c8" else None,
        "dtype": draw(st.sampled_from([None, "f8"])) if dtype != "c8" else None,
    }
    said["padding_value"] = 3 if "constant" in said["padding_mode"] and draw(st.booleans()) else 0
    said = {name: value for name, value in said.items() if value is not None}
    alone = image[(..., *[0] * (image.ndim - rank))][None]
    taken = [1 if factor is None else len(factor) for factor in factors]
    try:
        given = DEFAULTS | {"dtype": image.dtype} | said
        sizes = specified(alone, np.empty((1, 1, *taken), "f4"), **given).output_shape[1:]
    except ValueError:  # no output
        assume(False)
    real = taps[0] == "f" and any(factor is not None for factor in factors)
    integers = image.dtype.kind in "iu" and not real and "dtype" not in said
    if not integers and taps in ("i2", "i8"):  # a sum may be beyond the range
        assume(dtype not in ("f2", BF16) and (taps == "i2" or dtype not in ("f4", "c8")))
    channels = image.shape[rank:]
    bias, residual = draw(st.sampled_from([None, (), channels])), None
    if bias is not None:
        bias = numbers(bias, "i2" if integers else "f4", 2)
    if draw(st.booleans()):
        residual = numbers((*sizes, *channels), "i2" if integers else dtype, 3)
    if dtype == "f2":
        assume(taps != "i1" or len([f for f in factors if f is not None]) < 2)
        bias = residual = None
    return image, factors, bias, residual, said


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    problem=filters(),
    isa=st.sampled_from(ISAS),
    algorithm=st.sampled_from(WAYS),
    threads=st.sampled_from([1, 2, 7]),
    layout=st.sampled_from(["contiguous", "steps", "backwards", "swapped", "misaligned"]),
    to=st.sampled_from([None, *sorted(set(WRITEABLE) - {"channels last"})]),
    prepared=st.booleans(),
)
def test_any_filter(problem, isa, algorithm, threads, layout, to, prepared):
    """It is that of the outer product of the kernels."""
    image, factors, bias, residual, said = problem
    image = READABLE[layout](image)
    given = [f if f is None else READABLE[layout](f) for f in factors]
    how = fastconv.plan(separable_filter, image, given, residual=residual, **said)
    out = None if to is None else WRITEABLE[to](np.full(how.output_shape, 7, how.spec.dtype))
    with fastconv.settings(isa=isa):
        if prepared:
            layer = fastconv.prepare(separable_filter, given, bias, algorithm=algorithm, **said)
            got = layer(image, out, threads, residual=residual)
        else:
            got = separable_filter(
                image, given, bias, residual=residual, out=out, algorithm=algorithm,
                threads=threads, **said,
            )  # fmt: skip
    assert out is None or got is out
    assert got.shape == how.output_shape == how.spec.output_shape
    kernel = joined(factors, TOTALS[how.spec.arithmetic.total])
    assert_filtered(got, image, kernel, bias, residual, **said)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    problem=filters(),
    isa=st.sampled_from(ISAS),
    prepared=st.booleans(),
    threads=st.sampled_from([1, 2, 7]),
    rows=st.integers(1, 5),
)
def test_bands_do_not_change_bits(problem, isa, prepared, threads, rows):
    image, factors, bias, residual, said = problem
    with fastconv.settings(isa=isa):
        whole = separable_filter(image, factors, bias, residual=residual, threads=1, **said)
        with with_caches(l2=16 * rows * whole[:1].size):
            if prepared:
                layer = fastconv.prepare(separable_filter, factors, bias, **said)
                got = layer(image, threads=threads, residual=residual)
            else:
                got = separable_filter(
                    image, factors, bias, residual=residual, threads=threads, **said
                )
    assert_same_bits(got, whole)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("axes", [2, 3])
def test_bands_are_half_of_the_cache(axes, threads):
    row = 7 * 11 ** (axes - 2) * 4
    image, factors = (53, *(11, 7)[3 - axes :]), (3,) * axes
    with with_caches(l2=20 * row):
        how = fastconv.plan(separable_filter, image, factors, threads=threads)
        found = how._engine.run.__self__.planned
        assert len(found.each) >= 6
        assert 3 * row < sum(found.between_bytes) <= 10 * row
        written = np.zeros(image, int)
        for band in found.each:
            written[band.writes[:-1]] += 1
        assert (written == 1).all()
        assert not any(band.copies for band in found.each)
        assert how.copies[0] == "between convolutions: bands of the cache's size"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("image", ["u1", "i2", "f4", "c8"])
@pytest.mark.parametrize("other", ["constant", "wrap"])
def test_a_constant_that_is_not_0_is_filtered_too(image, mode, other):
    """A pass changes what the border of the next one holds, whichever comes first."""
    x = numbers((7, 5, 2), image)
    factors = [numbers((n,), "f4" if image in ("f4", "c8") else "i1", n) for n in (3, 5)]
    for modes in ((mode, other), (other, mode)):
        for stride in (1, (2, 1), (1, 2)):
            said = {"padding": 4, "padding_mode": modes, "stride": stride}
            said["padding_value"] = 97 if "constant" in modes else 0
            got = separable_filter(x, factors, **said)
            assert_filtered(got, x, whole(x, factors), **said)
    again = [2 * factor for factor in factors]  # other taps, another border, the same plan
    if image in ("f4", "c8"):
        assert_filtered(separable_filter(x, again, **said), x, whole(x, again), **said)


def test_a_constant_of_inf_and_of_nan():
    x, factors = np.zeros((3, 3), "f4"), [np.array([1, -1, 1], "f4"), np.array([0.5, 1, 2], "f4")]
    for value in (np.inf, -np.inf, np.nan):
        said = {"padding_mode": "constant", "padding_value": value}
        with np.errstate(invalid="ignore"):
            got = separable_filter(x, factors, **said)
            assert_filtered(got, x, whole(x, factors), **said)


def test_the_kernels_that_separate_finds():
    x, kernel = numbers((23, 29), "f8"), kernels.gaussian(sigma=1.2)
    (factors,) = kernels.separate(kernel)
    expected = fastconv.filter2d(x, kernel)
    np.testing.assert_allclose(separable_filter(x, factors), expected, rtol=1e-12, atol=1e-14)


# ---- axes that are left as they are ------------------------------------------------------------


def test_an_axis_without_a_kernel():
    x, taps = numbers((11, 13, 3)), numbers((5,), seed=1)
    for factors in ([taps, None], [None, taps], [taps, None, None], [None, None, taps]):
        assert_filtered(separable_filter(x, factors), x, whole(x, factors))
        how = fastconv.plan(separable_filter, x, factors)
        assert len(how.steps) == 1
    np.testing.assert_array_equal(separable_filter(x, [None, None]), x)
    np.testing.assert_array_equal(separable_filter(x, [None, None], stride=(2, 3)), x[::2, ::3])
    got = separable_filter(x.astype("u1"), [None], 3, activation=("clip", 0, 7))
    np.testing.assert_array_equal(got, np.clip(x.astype("u1").astype(int) + 3, 0, 7))


# ---- out, plans --------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [(), (3,), (2, 3)])
def test_the_image_may_be_the_output(channels):
    x, factors = numbers((11, 13, *channels), "u1"), [[0.5, 0.5, 0.5], [1.0, -1.0, 0.5]]
    expected = separable_filter(x, factors, residual=x)
    assert separable_filter(x, factors, out=x, residual=x) is x
    np.testing.assert_array_equal(x, expected)


def test_channels_that_are_not_evenly_apart():
    x, factors = numbers((7, 5, 4, 3)).transpose(0, 1, 3, 2), [[1.0, 2.0], [1.0, 3.0]]
    out = np.zeros((7, 5, 4, 3), "f4").transpose(0, 1, 3, 2)
    out[...] = before = numbers(x.shape, seed=2)
    how = fastconv.plan(separable_filter, x, factors, out=out, beta=0.5)
    for argument in ("image", "out"):
        assert f"{argument}: whole, because its channels are not evenly apart" in how.copies
    assert separable_filter(x, factors, out=out, beta=0.5) is out
    assert_filtered(out, x, joined(factors), out=before, beta=0.5)


def test_a_plan_tells_the_passes():
    how = fastconv.plan(separable_filter, (11, 13, 2, 3), (3, 5), stride=(2, 1))
    lines = str(how).splitlines()
    assert lines[0] == "separable_filter float32  11x13x2x3 * 3 + 5 -> 6x13x2x3"
    assert lines[1].startswith("separable ")
    assert how.copies[0] == "between convolutions: bands of the cache's size"
    (step,) = how.steps
    assert re.sub(", [a-z ]*(,|$)", r"\1", step) == (
        "1 x axis H, 3 taps -> 6x13x6 float32, then axis W, 5 taps -> 6x13x6 float32"
    )
    assert how.flops == 2 * 6 * (6 * 13 * 3 + 6 * 13 * 5)
    assert repr(how.spec).startswith("SeparableSpec(separable_filter, (11, 13, 2, 3) * (8,), ")
    assert pickle.loads(pickle.dumps(how)) == how
    assert (
        fastconv.plan(separable_filter, (5, 7), (3, 3), algorithm="direct").algorithm == "separable"
    )


def test_a_plan_of_numbers_of_taps():
    """None is an axis that is not filtered, as in the call."""
    taken = np.ones(5, np.float32)
    for sizes in ((5, None), [None, 5], (5, None, 3), (None,)):
        how = fastconv.plan("separable_filter", (13, 11, 7), sizes, padding=2)
        kernels = [size and taken[:size] for size in sizes]
        assert how == fastconv.plan(
            "separable_filter", np.ones((13, 11, 7), "f4"), kernels, padding=2
        )
        taps = " + ".join(str(size or "none") for size in sizes)
        assert str(how).startswith(f"separable_filter float32  13x11x7 * {taps} -> ")
    for sizes, message in (
        ((5, 0), "kernels_1d[1] is 0, but it must be an integer of at least 1, the number "),
        (
            [5, 2.5],
            "kernels_1d[1] is 2.5, but it must be an integer of at least 1, the number of taps",
        ),
        ((5, 3, 1, 1), "kernels_1d has 4 entries, but it must have one to three 1-D arrays"),
    ):
        with pytest.raises(
            (TypeError, ValueError), match=f"^separable_filter: {re.escape(message)}"
        ):
            fastconv.plan("separable_filter", (13, 11), sizes)
