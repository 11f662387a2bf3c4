# SPDX-License-Identifier: BSD-3-Clause
"""Shapes that do not fit: the message says what a newcomer may write instead."""

import re

import numpy as np
import pytest

import fastconv
from fastconv._spec import conv as spec
from fastconv.kernels import gaussian, separate


def make(input, weight, *, name="conv2d", rank=2, **said):
    f4 = np.dtype("f4")
    return spec.make_conv_spec(name, rank, input, f4, weight, f4, **said)


def refuses(kind, message):
    return pytest.raises(kind, match=f"^{re.escape(message)}$")


@pytest.mark.parametrize("batch", [(), (1,)])
def test_channels_in_the_other_place(batch):
    """Nobody looks for `groups` who forgot where the channels of a photograph lie."""
    for groups, w in ((1, (5, 3, 3, 3)), (3, (6, 1, 3, 3))):
        needed = "3" if groups == 1 else "3 (3 groups of 1)"
        with refuses(
            ValueError,
            f"conv2d: input has 480 channels, but weight needs {needed}; "
            "if the channels are the last axis, pass channels_last=True",
        ):
            make((*batch, 480, 640, 3), w, groups=groups)
        with refuses(
            ValueError,
            f"conv2d: input has 640 channels, but weight needs {needed}; "
            "if the channels come first, pass channels_last=False",
        ):
            make((*batch, 3, 480, 640), w, groups=groups, channels_last=True)


EACH = "; for the same kernel on each channel, pass np.repeat(weight, {0}, axis=0) and groups={0}"
BATCH = "; for a batch of inputs of one channel, write input[{}]"


@pytest.mark.parametrize(
    ("input", "weight", "said", "hint"),
    [
        ((12, 7, 5), (4, 3, 3, 3), {}, "; if the channels are convolved in groups, pass groups=4"),
        ((12, 7, 5), (5, 3, 3, 3), {}, ""),
        ((1, 7, 9, 5), (1, 1, 3, 3), {}, EACH.format(7)),
        ((1, 7, 9, 5), (2, 1, 3, 3), {}, ""),
        ((7, 9, 5), (1, 1, 3, 3), {}, EACH.format(7) + BATCH.format(":, None")),
        (
            (7, 9, 5),
            (1, 1, 3, 3),
            {"channels_last": True},
            EACH.format(5) + BATCH.format("..., None"),
        ),
    ],
)
def test_what_the_channels_may_mean(input, weight, said, hint):
    channels = input[-1] if said else input[-3]
    message = f"input has {channels} channels, but weight needs {weight[1]}{hint}"
    with refuses(ValueError, f"conv2d: {message}"):
        make(input, weight, groups=1, **said)


def test_one_kernel_for_each_channel():
    """What is told to pass is right, and told again where it was followed by half."""
    rng = np.random.default_rng(1)
    photo, kernel = rng.random((11, 13, 3)), rng.random((1, 1, 3, 3))
    said = {"channels_last": True, "padding": 1}
    with refuses(ValueError, "conv2d: weight has 1 output channel, but it must have a positive "
                 "multiple of groups=3; for the same kernel on each channel, pass "
                 "np.repeat(weight, 3, axis=0)"):  # fmt: skip
        fastconv.conv2d(photo, kernel, groups=3, **said)
    got = fastconv.conv2d(photo, np.repeat(kernel, 3, axis=0), groups=3, **said)
    for channel in range(3):
        alone = fastconv.conv2d(photo[..., channel : channel + 1], kernel, **said)
        np.testing.assert_array_equal(got[..., channel : channel + 1], alone)


def test_a_dense_weight_with_groups():
    with refuses(ValueError, "conv2d: input has 4 channels, but weight needs 16 (4 groups of 4); "
                 "if the channels are not convolved in groups, pass groups=1"):  # fmt: skip
        make((4, 7, 5), (4, 4, 3, 3), groups=4)


@pytest.mark.parametrize(("rank", "letters"), [(1, "L"), (2, "H, W"), (3, "D, H, W")])
def test_axes_that_are_missing(rank, letters):
    """What is told to write is right."""
    src, wei, name = (7, 11, 5)[:rank], (3, 2, 3)[:rank], f"conv{rank}d"
    x, w, said = np.ones(src, "f4"), np.ones(wei, "f4"), {"name": name, "rank": rank, "groups": 1}
    message = f"but it must be (N, C, {letters}) or (C, {letters}); "
    with refuses(
        ValueError,
        f"{name}: input has shape {src}, {message}for an input of one channel write input[None]",
    ):
        make(src, (1, 1, *wei), **said)
    kernels = ", ".join(f"k{letter}" for letter in letters.split(", "))
    message = f"but it must be (O, C/groups, {kernels}); "
    with refuses(
        ValueError,
        f"{name}: weight has shape {wei}, {message}for a single kernel write weight[None, None]",
    ):
        make((1, *src), wei, **said)
    make(x[None].shape, w[None, None].shape, **said)
    make(x[..., None].shape, w[None, None].shape, channels_last=True, **said)


def test_padding_in_the_order_of_torch():
    """What is told to write pads as torch.nn.functional.pad does, the last axis first."""
    rng = np.random.default_rng(2)
    for rank, flat, meant in (
        (1, (2, 0), ((2, 0),)),
        (2, (1, 2, 3, -4), ((3, -4), (1, 2))),
        (3, (0, 1, 2, 3, 4, 5), ((4, 5), (2, 3), (0, 1))),
    ):
        x, w = rng.random((1, 7, 11, 5)[: rank + 1]), rng.random((1, 1, 2, 3, 2)[: rank + 2])
        conv = (fastconv.conv1d, fastconv.conv2d, fastconv.conv3d)[rank - 1]
        for said in (flat, list(flat), np.array(flat)):
            hint = f"; if it is in the order of torch.nn.functional.pad, write {meant}"
            with pytest.raises(ValueError, match=re.escape(hint) + "$"):
                conv(x, w, padding=said)
        whole = x
        for axis in range(rank):  # as its documentation says
            sides = [(0, 0)] * (rank + 1)
            sides[rank - axis] = tuple(max(0, side) for side in flat[2 * axis : 2 * axis + 2])
            whole = np.pad(whole, sides)
        cropped = whole[..., :-4, :] if rank == 2 else whole
        np.testing.assert_array_equal(conv(x, w, padding=meant), conv(cropped, w))


TENSORFLOW = "; if the axes of weight are ({}, C, O), as in TensorFlow, pass weight.transpose({})"


@pytest.mark.parametrize(
    ("input", "weight", "groups", "told"),
    [
        ((17, 11, 64), (3, 3, 64, 32), 1, True),
        ((17, 11, 64), (3, 3, 64, 64), 1, True),
        ((17, 11, 48), (3, 3, 16, 9), 3, True),
        ((17, 11, 64), (1, 1, 64, 32), 1, True),
        ((17, 11, 5, 16), (3, 3, 3, 16, 8), 1, True),
        ((17, 11, 3), (1, 1, 3, 3), 1, False),  # one kernel, and three channels
        ((17, 11, 3), (8, 1, 3, 3), 1, False),
        ((17, 11, 64), (32, 3, 3, 3), 1, False),
    ],
)
def test_a_weight_of_tensorflow(input, weight, groups, told):
    """Its channels stand last; what is told to pass is right."""
    rank = len(weight) - 2
    said = {"name": f"conv{rank}d", "rank": rank, "groups": groups, "channels_last": True}
    with pytest.raises(ValueError, match="channels, but weight needs") as caught:
        make(input, weight, **said)
    axes = ((3, 2, 0, 1), (4, 3, 0, 1, 2))[rank - 2]
    hint = TENSORFLOW.format(("kH, kW", "kD, kH, kW")[rank - 2], ", ".join(map(str, axes)))
    assert str(caught.value).endswith(hint) == told
    assert ("TensorFlow" in str(caught.value)) == told
    if told:
        make(input, tuple(weight[axis] for axis in axes), **said)


def test_axes_that_are_missing_of_a_transposed_weight():
    """Its channels of the input come first."""
    x, w = np.ones((3, 4, 5)), np.ones((3, 2, 3))
    message = "conv_transpose2d: weight has shape (3, 2, 3), but it must be (C, O/groups, kH, kW); "
    with refuses(
        ValueError, message + "write weight[None] if C is missing, weight[:, None] if O/groups is"
    ):
        fastconv.conv_transpose2d(x, w)
    assert fastconv.conv_transpose2d(x, w[:, None]).shape == (1, 5, 7)


# ---- kernels of a separable filter -------------------------------------------------------------


def test_a_kernel_of_two_axes_for_a_separable_filter():
    """Its rows would be 1-D kernels of height, width and channels."""
    photo, kernel = np.ones((11, 13, 3)), gaussian(3)
    needed = (
        "but it must be one to three 1-D arrays, one per axis, or None for an axis that is not "
        "filtered; a 2-D kernel is for filter2d, or pass kernels.separate(kernel)[0]"
    )
    for rows in (1, 2, 3):
        given = kernel[:rows]
        with refuses(
            ValueError, f"separable_filter: kernels_1d is an array of shape ({rows}, 3), {needed}"
        ):
            fastconv.separable_filter(photo, given)
        with refuses(ValueError, f"prepare: kernels_1d is an array of shape ({rows}, 3), {needed}"):
            fastconv.prepare("separable_filter", given)
    with refuses(
        ValueError,
        f"separable_filter: kernels_1d is an array of shape (2, 3, 5), {needed.partition(';')[0]}",
    ):
        fastconv.separable_filter(photo, np.ones((2, 3, 5)))
    meant = separate(kernel)[0]
    np.testing.assert_allclose(
        fastconv.separable_filter(photo, meant), fastconv.filter2d(photo, kernel), rtol=1e-12
    )
    nested = [[1.0, 2.0, 1.0], [1.0, 0.0, 2.0]]
    np.testing.assert_array_equal(
        fastconv.separable_filter(photo, nested),
        fastconv.separable_filter(photo, [*np.array(nested)]),
    )


TAPS = "but it must be a 1-D array of at least one element"


@pytest.mark.parametrize("kernel", [[1, 2, 1], (0.5, 0.5), np.array([1, 2, 1])])
def test_one_kernel_for_a_separable_filter(kernel):
    """Nothing says that it is for all axes."""
    photo = np.ones((11, 13, 3))
    with refuses(
        ValueError,
        f"separable_filter: kernels_1d[0] has shape (), {TAPS}; "
        "for the same kernel along two axes pass [kernel, kernel]",
    ):
        fastconv.separable_filter(photo, kernel)
    assert fastconv.separable_filter(photo, [kernel, kernel]).shape == photo.shape


def test_all_terms_of_a_kernel_for_a_separable_filter():
    """`separate` returns a list, of one term or several."""
    photo, column = np.ones((11, 13, 3)), np.array([1.0, 2.0, 4.0])
    for kernel in (np.outer(column, column), np.outer(column, column[:2]), np.eye(3, 5)):
        found = separate(kernel)
        for terms in (found, list(found)):
            with refuses(
                ValueError,
                f"separable_filter: kernels_1d[0] is a tuple of arrays, {TAPS}; "
                "of the terms that kernels.separate returns, pass one, as separate(kernel)[0]",
            ):
                fastconv.separable_filter(photo, terms)
        assert fastconv.separable_filter(photo, found[0]).shape == photo.shape


# ---- tensors -----------------------------------------------------------------------------------


class Narrow:
    """As a tensor of PyTorch in bfloat16, which NumPy does not have."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Got unsupported ScalarType BFloat16")


def test_a_tensor_in_bfloat16():
    with refuses(
        TypeError,
        "filter2d: image is a Narrow that NumPy cannot make an array of (Got unsupported "
        "ScalarType BFloat16), but it must be an array or nested lists of equal lengths; of a "
        "tensor of PyTorch in bfloat16, pass image.float(), or "
        "image.view(torch.int16).numpy().view(ml_dtypes.bfloat16)",
    ):
        fastconv.filter2d(Narrow(), np.ones((3, 3)))
