# SPDX-License-Identifier: BSD-3-Clause
"""filter2d and filter_nd: each channel of an image is what a convolution makes of it alone."""

import pickle
import re

import numpy as np
import pytest
from arrays import BF16, READABLE, WRITEABLE, numbers
from filtered import CHANNELS, DEFAULTS, NDIMAGE, assert_filtered
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from truth import assert_same_bits, specified
from ways import ALGORITHMS, ISAS, WORDS

import fastconv
from fastconv import filter2d, filter_nd, prepare
from fastconv._spec.borders import MODES

pytestmark = pytest.mark.usefixtures("poisoned")

# ---- what others do ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("sizes", "taps"),
    [((13,), (5,)), ((13,), (4,)), ((11, 13), (3, 5)), ((11, 13), (4, 2)), ((3, 2), (9, 8)),
     ((5, 7, 11), (3, 1, 5)), ((5, 7, 11), (2, 3, 4))],
)  # fmt: skip
def test_scipy_does_the_same(mode, sizes, taps):
    x, k = numbers(sizes, "f8"), numbers(taps, "f8", 1)
    value = {"padding_value": 2.5} if mode == "constant" else {}
    correlated = filter_nd(x, k, padding="same_lower", padding_mode=mode, **value)
    convolved = filter_nd(x, k, padding_mode=mode, flip=True, **value)
    for word in NDIMAGE[mode]:
        expected = ndimage.correlate(x, k, mode=word, cval=2.5)
        np.testing.assert_allclose(correlated, expected, rtol=1e-12, atol=1e-12)
        expected = ndimage.convolve(x, k, mode=word, cval=2.5)
        np.testing.assert_allclose(convolved, expected, rtol=1e-12, atol=1e-12)


BORDERS = {
    "mirror": "BORDER_REFLECT_101",
    "symmetric": "BORDER_REFLECT",
    "edge": "BORDER_REPLICATE",
    "constant": "BORDER_CONSTANT",
}


@pytest.mark.peers
@pytest.mark.parametrize("mode", BORDERS)
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4"])
@pytest.mark.parametrize("taps", [(3, 3), (4, 5), (7, 1)])
def test_opencv_does_the_same(mode, dtype, taps):
    """Its sums are of float32; where they are near a half, it may round to the other side."""
    import cv2

    image, kernel = numbers((23, 29, 3), dtype), numbers(taps, "f4", 1)
    expected = cv2.filter2D(image, -1, kernel, borderType=getattr(cv2, BORDERS[mode]))
    got = filter2d(image, kernel, padding="same_lower", padding_mode=mode)
    assert got.dtype == expected.dtype
    if dtype == "f4":
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
        return
    limits = np.iinfo(dtype)
    assert expected.min() == limits.min or expected.max() == limits.max  # some saturate
    assert np.abs(got.astype(int) - expected).max() <= 1
    assert (got != expected).mean() < 0.01


# ---- any filter --------------------------------------------------------------------------------


@st.composite
def filters(draw):
    """(image, kernel, bias, residual, keywords)."""
    rank = draw(st.integers(1, 3))

    def per_axis(entries):
        return draw(st.lists(entries, min_size=rank, max_size=rank))

    dtype = draw(st.sampled_from(["f4", "f4", "f8", "u1", "i2", "c8", "f2", BF16, "i8", "u2"]))
    taps = draw(st.sampled_from(["f4", "f8", "i1"]))
    assume(dtype != BF16 or taps == "f4")
    image = numbers((*per_axis(st.integers(1, 11)), *draw(st.sampled_from(CHANNELS))), dtype)
    kernel = numbers(per_axis(st.integers(1, 4)), taps, 1)
    side = st.integers(-1, 3)
    said = {
        "stride": draw(st.integers(1, 3)),
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
    given = DEFAULTS | {"dtype": image.dtype} | said
    alone = image[(..., *[0] * (image.ndim - rank))][None]
    try:
        sizes = specified(alone, kernel[None, None], **given).output_shape[1:]
    except ValueError:  # no output
        assume(False)
    integers = image.dtype.kind in "iu" and taps == "i1" and "dtype" not in said
    channels = image.shape[rank:]
    bias = draw(st.sampled_from([None, (), channels]))
    if bias is not None:
        bias = numbers(bias, "i2" if integers else "f4", 2)
    residual = None
    if draw(st.booleans()):
        residual = numbers((*sizes, *channels), "i2" if integers else dtype, 3)
    if dtype == "f2":  # stays within its range
        bias = residual = None
    return image, kernel, bias, residual, said


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    problem=filters(),
    isa=st.sampled_from(ISAS),
    algorithm=st.sampled_from(["auto", *ALGORITHMS, "reference"]),
    threads=st.sampled_from([1, 2, 7]),
    prepared=st.booleans(),
    layouts=st.tuples(*[st.sampled_from(sorted(set(READABLE) - {"one channel"}))] * 2),
    to=st.sampled_from([None, *sorted(WRITEABLE)]),
)
def test_any_filter(problem, isa, algorithm, threads, prepared, layouts, to):
    image, kernel, bias, residual, said = problem
    layouts = [
        "steps" if name == "channels last" or (name == "one row" and a.ndim < 2) else name
        for name, a in zip(layouts, (image, kernel), strict=True)
    ]
    image, kernel = (READABLE[name](a) for name, a in zip(layouts, (image, kernel), strict=True))
    out = None
    if to is not None:
        how = fastconv.plan(filter_nd, image, kernel, residual=residual, **said)
        out = np.full(how.output_shape, 7, how.spec.dtype)
        out = WRITEABLE["steps" if to == "channels last" else to](out)
    with fastconv.settings(isa=isa):
        if prepared:
            layer = prepare(filter_nd, kernel, bias, algorithm=algorithm, **said)
            got = layer(image, out, threads, residual=residual)
        else:
            got = filter_nd(
                image, kernel, bias, residual=residual, out=out, algorithm=algorithm,
                threads=threads, **said,
            )  # fmt: skip
    assert out is None or got is out
    assert_filtered(got, image, kernel, bias, residual, **said)


@pytest.mark.parametrize("channels", CHANNELS)
def test_channels_do_not_change_the_bits(channels):
    image, kernel = numbers((11, 13, *channels)), numbers((3, 5), seed=1)
    got = filter2d(image, kernel)
    for at in np.ndindex(channels):
        assert_same_bits(got[(..., *at)], filter2d(image[(..., *at)], kernel))
    assert_same_bits(got, filter_nd(image, kernel))


@pytest.mark.parametrize("mode", ["constant", "mirror"])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_kernel_that_is_not_finite(channels, mode):
    """On padding with zeros its taps add nothing."""
    image, kernel = numbers((7, 9, *channels)), numbers((3, 5), seed=1)
    for value in (np.inf, -np.inf, np.nan):
        kernel[0, 3] = value
        with np.errstate(invalid="ignore"):
            got = filter2d(image, kernel, padding_mode=mode)
            assert_same_bits(prepare(filter2d, kernel, padding_mode=mode)(image), got)
            assert_filtered(got, image, kernel, padding_mode=mode)
        assert not np.isfinite(got).all()
        assert np.isfinite(got).any() == (mode == "constant")


# ---- dtypes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "kernel", "result"),
    [
        ("u1", "f4", "u1"), ("u1", "i8", "u1"), ("i2", "f8", "i2"), ("f4", "f8", "f4"),
        ("f2", "f4", "f2"), ("f8", "f4", "f8"), ("c8", "f8", "c8"), ("?", "f4", "f4"),
        ("?", "i1", "i4"), ("f4", "c8", "c8"), ("u1", "c8", "c8"), (">i2", "f4", "i2"),
    ],
)  # fmt: skip
def test_the_result_has_the_dtype_of_the_image(image, kernel, result):
    x, k = np.ones((5, 7), image), np.ones((3, 3), kernel)
    assert filter2d(x, k).dtype == np.dtype(result)
    assert prepare(filter2d, k)(x).dtype == np.dtype(result)
    assert fastconv.plan(filter2d, x, k).spec.dtype == np.dtype(result)


def test_pixels_are_rounded_half_to_even_and_saturated():
    image = np.array([[0, 1, 2, 3, 200, 255]], np.uint8)
    assert filter2d(image, [[0.5]]).tolist() == [[0, 0, 1, 2, 100, 128]]
    assert filter2d(image, [[2]]).tolist() == [[0, 2, 4, 6, 255, 255]]
    assert filter2d(image, [[-1.0]]).tolist() == [[0] * 6]
    assert filter2d(image, [[2]], overflow="wrap").tolist() == [[0, 2, 4, 6, 144, 254]]
    assert filter2d(image, [[2]], dtype="i4").tolist() == [[0, 2, 4, 6, 400, 510]]


# ---- out, bias, residual -----------------------------------------------------------------------


@pytest.mark.parametrize("channels", [(), (3,), (2, 3)])
@pytest.mark.parametrize("prepared", [False, True])
def test_the_image_may_be_the_output(channels, prepared):
    image, kernel = numbers((11, 13, *channels), "u1"), numbers((3, 3), seed=1)
    expected = filter2d(image, kernel, residual=image)
    function = prepare(filter2d, kernel) if prepared else lambda x, **k: filter2d(x, kernel, **k)
    assert function(image, out=image, residual=image) is image
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("view", [lambda a: a.transpose(0, 1, 3, 2), lambda a: a[..., ::2, :]])
def test_channels_that_are_not_evenly_apart(view):
    """They are copied, as the plan says."""
    image, kernel = view(numbers((7, 5, 4, 3))), numbers((3, 3), seed=1)
    before = numbers(image.shape, seed=2)
    out, residual = (view(np.zeros((7, 5, 4, 3), "f4")) for _ in range(2))
    out[...], residual[...] = before, numbers(image.shape, seed=3)
    said = {"beta": 0.5, "residual": residual}
    how = fastconv.plan(filter2d, image, kernel, out=out, **said)
    for argument in ("image", "residual", "out"):
        assert f"{argument}: whole, because its channels are not evenly apart" in how.copies
    assert filter2d(image, kernel, out=out, **said) is out
    assert_filtered(out, image, kernel, out=before, **said)
    out.flags.writeable = False
    with pytest.raises(ValueError, match=r"^filter2d: out is read-only"):
        filter2d(image, kernel, out=out)


def test_a_bias_is_one_number_or_one_per_channel():
    image = np.zeros((4, 5, 2, 3))
    for bias in (2, 2.5, np.float32(2), np.arange(6.0).reshape(2, 3)):
        got = filter2d(image, np.ones((3, 3)), bias)
        np.testing.assert_array_equal(got, np.broadcast_to(bias, got.shape))


# ---- plan, prepare -----------------------------------------------------------------------------


def test_a_plan_has_the_shapes_of_the_arrays():
    how = fastconv.plan(filter2d, (11, 13, 2, 3), (3, 5), padding="valid")
    assert how.output_shape == how.spec.output_shape == (9, 9, 2, 3)
    assert str(how).splitlines()[0] == "filter2d float32  11x13x2x3 * 3x5 -> 9x9x2x3"
    assert repr(how.spec).startswith("FilterSpec(filter2d, (11, 13, 2, 3) * (3, 5), ")
    assert pickle.loads(pickle.dumps(how)) == how
    assert fastconv.plan("filter_nd", (11,), (3,), padding=1).output_shape == (11,)
    layer = prepare(filter_nd, np.ones((3, 5)))
    assert layer.plan((11, 13)).output_shape == (11, 13)
    assert layer.plan((11, 13)).spec.dtype == np.float64
    assert fastconv.plan(layer, np.ones((11, 13, 2), "u1")).spec.dtype == np.uint8


def test_a_layer_takes_images_of_any_channels_and_dtype():
    kernel = numbers((3, 5), seed=1)
    layer = prepare("filter2d", kernel, 0.5, padding_mode="edge", flip=True)
    again = pickle.loads(pickle.dumps(layer))
    for shape in ((11, 13), (11, 13, 3), (7, 5, 2, 2), *((5, 3, n) for n in range(1, 20))):
        for dtype in ("f4", "u1"):
            image = numbers(shape, dtype)
            expected = filter2d(image, kernel, 0.5, padding_mode="edge", flip=True)
            assert_same_bits(layer(image), expected)
            assert_same_bits(again(image), expected)
    images = image, numbers((5, 3, 29))
    expected = [filter2d(one, kernel, 0.5, padding_mode="edge", flip=True) for one in images]
    kernel[:] = 0
    for one, wanted in zip(images, expected, strict=True):
        assert_same_bits(layer(one), wanted)
    assert not layer.weight.flags.writeable
    assert layer.weight.shape == (3, 5)
    assert layer.padding_mode == "edge"
    assert repr(layer) == (
        "prepare(filter2d, kernel of shape (3, 5) float32, bias=given, stride=1, padding='same', "
        "dilation=1, padding_mode='edge', flip=True)"
    )


def test_a_layer_with_a_bias_per_channel():
    layer = prepare(filter2d, np.ones((1, 1)), [1.0, 2.0])
    assert layer(np.zeros((1, 1, 2))).tolist() == [[[1, 2]]]
    with pytest.raises(ValueError, match=r"^filter2d: bias has shape \(2,\), but it must be one"):
        layer(np.zeros((1, 1, 3)))


# ---- errors ------------------------------------------------------------------------------------

IMAGE, KERNEL = np.zeros((5, 7, 3), np.uint8), np.ones((3, 3), np.float32)
REFUSED = [
    ({"image": np.ones(3)}, "image has shape (3,), but it must have at least two axes"),
    ({"image": np.ones((3, 3, 0))}, "image has shape (3, 3, 0), but it must have a channel"),
    ({"image": "photo"}, "image has dtype <U5, but"),
    ({"image": None}, "image is None, but"),
    ({"image": np.ma.array(IMAGE)}, "image is a masked array, "),
    ({"image": np.ones((0, 7))}, "image has size 0 on axis H, "),
    ({"kernel": np.ones(3)}, "kernel has shape (3,), but it must have two axes, (kH, kW); "),
    ({"kernel": np.ones((1,) * 4)}, "kernel has shape (1, 1, 1, 1), but it must have two"),
    ({"kernel": np.ones((3, 0))}, "kernel has size 0 on axis kW, but it must be at least 1"),
    ({"kernel": [[1], [1, 2]]}, "kernel is a list that NumPy cannot make an array of"),
    ({"kernel": [["a"]]}, "kernel has dtype <U1, but"),
    ({"kernel": np.ones((9, 1)), "padding": 0}, "image has size 5 on axis H, but a kernel"),
    ({"bias": [1, 2]}, "bias has shape (2,), but it must be one number or an array of shape (3,)"),
    ({"residual": np.ones((5, 7))}, "residual has shape (5, 7), but it must be (5, 7, 3)"),
    ({"residual": np.ones((5, 6, 3))}, "residual has shape (5, 6, 3), but it must be (5, 7, 3)"),
    ({"out": np.ones((5, 7, 1), "u1")}, "out has shape (5, 7, 1), but it must be (5, 7, 3)"),
    ({"out": np.ones((4, 7, 3), "u1")}, "out has shape (4, 7, 3), but it must be (5, 7, 3)"),
    ({"out": np.ones((5, 7, 3))}, "out has dtype float64, but it must be uint8, or pass dtype"),
    ({"out": [1]}, "out is a list, but it must be a numpy.ndarray"),
    ({"out": np.ma.array(IMAGE)}, "out is a MaskedArray, but it must be a numpy.ndarray"),
    ({"beta": 2}, "beta is 2 and out is None, but out must be an array, which beta multiplies"),
    ({"overflow": "wrap"}, "dtype is uint8 and sums are float32, but then overflow must be"),
    ({"padding_value": 1}, "padding_value is 1, but it must be 0 for padding_mode 'mirror'"),
    ({"padding_value": 256, "padding_mode": "constant"}, "padding_value is 256, but it must be an "
     "integer from 0 to 255 for an image of uint8"),
    ({"padding_mode": "reflect_101"}, "padding_mode is 'reflect_101', but its name here is 'mir"),
    ({"kernel": -1}, "kernel has shape (), but it must have two axes, (kH, kW); it comes second: "
     "the dtype of the result is dtype="),
    ({"stride": (1, 2, 1)}, "stride has 3 entries, but"),
    ({"algorithm": "fast"}, "algorithm is 'fast', but"),
    ({"threads": 0}, "threads is 0, but"),
    ({"flip": 1}, "flip is 1, but it must be True or False"),
    ({"kernel": [[1j]], "dtype": "f4"}, "dtype is float32, but it must be complex for an image of "
     "uint8 and a kernel of complex128"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "message"), REFUSED, ids=str)
def test_errors_name_image_and_kernel(said, message):
    given = {"image": IMAGE} | said
    with pytest.raises((TypeError, ValueError), match=f"^filter2d: {re.escape(message)}") as caught:
        filter2d(**{"kernel": KERNEL} | given)
    assert not re.search("input|weight", str(caught.value))
    if "image" in said or "out" in said or "residual" in said:
        layer = prepare(filter2d, KERNEL)
        with pytest.raises(type(caught.value), match=f"^filter2d: {re.escape(message)}"):
            layer(**given)


def test_prepare_refuses_what_no_image_could_mend():
    for said, message in (
        ({"kernel": [1]}, "kernel has shape (1,), but it must have two axes"),
        ({"kernel": [["a"]]}, "kernel has dtype <U1"),
        ({"stride": 0}, "stride is 0"),
        ({"padding": "some"}, "padding is 'some'"),
        ({"flip": None}, "flip is None"),
        ({"activation": "soft"}, "activation is 'soft'"),
    ):
        with pytest.raises((TypeError, ValueError), match=f"^prepare: {re.escape(message)}"):
            prepare(filter2d, **{"kernel": KERNEL} | said)


def test_filter_nd_takes_kernels_of_one_to_three_axes():
    for taps in (1.0, np.ones((1,) * 4)):
        with pytest.raises(ValueError, match=r"^filter_nd: kernel has shape .* one to three axes"):
            filter_nd(IMAGE, taps)


def test_the_channels_of_a_layer_share_its_kernel():
    x, k = np.ones((31, 67, 3), np.float32), np.ones((3, 3), np.float32)
    plan = prepare(filter2d, k, padding="valid").plan(x)
    other = fastconv.plan(filter2d, x, k, padding="valid")
    assert plan._replace(refused=()) == other._replace(refused=())  # a layer packs nothing again
    assert plan.copies == ()


def test_a_layer_has_the_words_of_its_filter():
    layer = prepare(filter2d, KERNEL)
    assert_same_bits(layer(image=IMAGE), filter2d(image=IMAGE, kernel=KERNEL))
    assert layer.plan(image=IMAGE) == fastconv.plan(layer, image=IMAGE) == layer.plan(IMAGE)
    assert not layer.kernel.flags.writeable
    np.testing.assert_array_equal(layer.kernel, KERNEL)
    for convolution in (prepare(np.ones((1, 1, 3))), prepare("separable_filter", [None])):
        with pytest.raises(AttributeError, match=r"^PreparedConv: \w+ has no kernel"):
            _ = convolution.kernel
