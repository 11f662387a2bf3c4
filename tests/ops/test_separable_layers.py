# SPDX-License-Identifier: BSD-3-Clause
"""separable_filter: layers of `prepare`, and what is refused."""

import pickle
import re

import numpy as np
import pytest
from arrays import numbers
from truth import assert_same_bits

import fastconv
from fastconv import separable_filter

pytestmark = pytest.mark.usefixtures("poisoned")

# ---- errors ------------------------------------------------------------------------------------

IMAGE, FACTORS = np.zeros((5, 7, 3), np.uint8), [np.ones(3, np.float32), np.ones(5, np.float32)]
REFUSED = [
    ({"image": np.ones(3)}, "image has shape (3,), but it must have at least two axes"),
    ({"image": None}, "image is None, but"),
    ({"kernels_1d": 3}, "kernels_1d is 3, but it must be one to three 1-D arrays"),
    ({"kernels_1d": []}, "kernels_1d has 0 entries, but it must have one to three 1-D arrays"),
    ({"kernels_1d": [[1]] * 4}, "kernels_1d has 4 entries, but"),
    ({"kernels_1d": [1, 2]}, "kernels_1d[0] has shape (), but it must be a 1-D array of at"),
    ({"kernels_1d": [None, []]}, "kernels_1d[1] has shape (0,), but it must be a 1-D array"),
    ({"kernels_1d": [["a"]]}, "kernels_1d[0] has dtype <U1, but"),
    ({"kernels_1d": [[1], [[1], [1, 2]]]}, "kernels_1d[1] is a list that NumPy cannot make"),
    ({"kernels_1d": [np.ones(9), None], "padding": 0}, "image has size 5 on axis H, but a kernel"),
    ({"bias": [1, 2]}, "bias has shape (2,), but it must be one number or an array of shape (3,)"),
    ({"residual": np.ones((5, 7))}, "residual has shape (5, 7), but it must be (5, 7, 3)"),
    ({"out": np.ones((4, 7, 3), "u1")}, "out has shape (4, 7, 3), but it must be (5, 7, 3)"),
    ({"out": np.ones((5, 7, 3))}, "out has dtype float64, but it must be uint8, or pass dtype"),
    ({"overflow": "wrap"}, "dtype is uint8 and sums are float32, but then overflow must be"),
    ({"padding_value": 1}, "padding_value is 1, but it must be 0 for padding_mode 'mirror'"),
    ({"stride": (1, 2, 1)}, "stride has 3 entries, but"),
    ({"algorithm": "phases"}, "algorithm is 'phases', but"),
    ({"flip": 1}, "flip is 1, but it must be True or False"),
    ({"kernels_1d": [[1j], None], "dtype": "f4"}, "dtype is float32, but it must be complex for an "
     "image of uint8 and a kernels_1d of complex128"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "message"), REFUSED, ids=str)
def test_errors_name_image_and_kernels(said, message):
    given = {"image": IMAGE, "kernels_1d": FACTORS} | said
    with pytest.raises((TypeError, ValueError), match=r"^separable_filter: ") as caught:
        separable_filter(**given)
    assert str(caught.value).startswith(f"separable_filter: {message}")
    assert not re.search("input|weight", str(caught.value))


def test_prepare_refuses_what_no_image_could_mend():
    for said, message in (
        ({"kernels_1d": 3}, "kernels_1d is 3, but it must be one to three 1-D arrays"),
        ({"kernels_1d": [["a"]]}, "kernels_1d[0] has dtype <U1"),
        ({"stride": 0}, "stride is 0"),
        ({"padding": "some"}, "padding is 'some'"),
        ({"padding": (1, 2, 3)}, "padding has 3 entries"),
        ({"flip": None}, "flip is None"),
        ({"bias": "much"}, "bias has dtype <U4"),
        ({"activation": "soft"}, "activation is 'soft'"),
        ({"algorithm": "phases"}, "algorithm is 'phases'"),
    ):
        with pytest.raises((TypeError, ValueError), match=f"^prepare: {re.escape(message)}"):
            fastconv.prepare(separable_filter, **{"kernels_1d": FACTORS} | said)


# ---- layers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("constant", [False, True])
def test_a_layer_takes_images_of_any_channels_and_dtype(constant):
    column, row = numbers((3,), seed=1), numbers((5,), seed=2)
    said = {"padding_mode": "constant", "padding_value": 2} if constant else {"flip": True}
    for factors in ([column, row], [None, row], [column, None, row]):
        layer = fastconv.prepare("separable_filter", factors, 0.5, **said)
        again = pickle.loads(pickle.dumps(layer))
        for shape in ((7, 5, 2), (7, 5, 2, 2), *((5, 3, n) for n in range(1, 20))):
            for dtype in ("f4", "u1"):
                image = numbers(shape, dtype)
                expected = separable_filter(image, factors, 0.5, **said)
                assert_same_bits(layer(image), expected)
                assert_same_bits(again(image), expected)


def test_a_layer_keeps_its_kernels():
    column, image = numbers((3,), seed=1), numbers((11, 13))
    layer = fastconv.prepare(separable_filter, [column, None], stride=2)
    expected = separable_filter(image, [column, None], stride=2)
    column[:] = 0
    assert_same_bits(layer(image), expected)
    assert_same_bits(layer(image, threads=3, out=np.empty_like(expected)), expected)
    kept, none = layer.kernels_1d
    assert none is None
    assert not kept.flags.writeable
    np.testing.assert_array_equal(kept, numbers((3,), seed=1))
    assert (layer.stride, layer.padding_mode, layer.flip) == (2, "mirror", False)
    assert repr(layer) == (
        "prepare(separable_filter, kernels_1d of sizes (3, None) float32, bias=None, stride=2, "
        "padding='same', dilation=1)"
    )
    assert layer.plan((11, 13)).output_shape == (6, 7)
    with pytest.raises(AttributeError, match="separable_filter has no weight, but kernels_1d"):
        _ = layer.weight
    with pytest.raises(AttributeError, match="conv1d has no kernels_1d"):
        _ = fastconv.prepare(np.ones((1, 1, 3))).kernels_1d


def test_a_layer_with_a_bias_per_channel():
    layer = fastconv.prepare(separable_filter, [[1.0], [1.0]], [1.0, 2.0])
    assert layer(np.zeros((1, 1, 2))).tolist() == [[[1, 2]]]
    with pytest.raises(ValueError, match=r"^separable_filter: bias has shape \(2,\), but it must"):
        layer(np.zeros((1, 1, 3)))
