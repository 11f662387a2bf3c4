# SPDX-License-Identifier: BSD-3-Clause
"""A program that a type checker accepts, with what each call returns."""

RIGHT = """
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import fastconv
from fastconv import Plan, PreparedConv, conv1d, conv2d, conv3d, kernels, plan, prepare
from fastconv import conv_transpose1d, conv_transpose2d, conv_transpose3d
from fastconv import depthwise_conv1d, depthwise_conv2d, depthwise_conv3d
from fastconv import pointwise_conv1d, pointwise_conv2d, pointwise_conv3d
from fastconv import depthwise_separable_conv1d, depthwise_separable_conv2d
from fastconv import depthwise_separable_conv3d
from fastconv import filter2d, filter_nd, separable_filter
from fastconv import local_conv1d, local_conv2d, local_conv3d
from fastconv import channel_shuffle, fold, pad, pixel_shuffle, pixel_unshuffle, unfold
from fastconv import unfold_view

from fastconv import max_pool1d, max_pool2d, max_pool3d, min_pool1d, min_pool2d, min_pool3d
from fastconv import avg_pool1d, avg_pool2d, avg_pool3d, lp_pool1d, lp_pool2d, lp_pool3d
from fastconv import adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d
from fastconv import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from fastconv import global_max_pool1d, global_max_pool2d, global_max_pool3d
from fastconv import global_min_pool1d, global_min_pool2d, global_min_pool3d
from fastconv import global_avg_pool1d, global_avg_pool2d, global_avg_pool3d
from fastconv import global_lp_pool1d, global_lp_pool2d, global_lp_pool3d
from fastconv import fractional_max_pool2d, fractional_max_pool3d
from fastconv import max_unpool1d, max_unpool2d, max_unpool3d
from fastconv import bed_of_nails_unpool1d, bed_of_nails_unpool2d, bed_of_nails_unpool3d
from fastconv import interpolate, nearest_unpool1d, nearest_unpool2d, nearest_unpool3d

half, single = np.ones((1, 1, 7), np.float16), np.ones((1, 1, 7), np.float32)
double, pair = np.ones((1, 1, 7)), np.ones((1, 1, 7), np.complex64)
pixels = np.ones((1, 1, 7), np.uint8)

# as NumPy promotes, of two of the same dtype
assert_type(conv1d(half, half), NDArray[np.float16])
assert_type(conv1d(single, single, None, 2, 1), NDArray[np.float32])
assert_type(conv1d(double, weight=double, dtype=None), NDArray[np.float64])
assert_type(conv1d(pair, pair), NDArray[np.complex64])
assert_type(conv1d(pair.astype(np.complex128), pair.astype(np.complex128)), NDArray[np.complex128])
# as dtype says
assert_type(conv1d(single, double, dtype=np.float32), NDArray[np.float32])
assert_type(conv1d(pixels, pixels, dtype=np.uint8, overflow="saturate"), NDArray[np.uint8])
assert_type(conv1d(pixels, [[[1]]], dtype=np.dtype(np.int16)), NDArray[np.int16])
# else a number
assert_type(conv1d(single, double), NDArray[np.number[Any]])
assert_type(conv1d(pixels, pixels), NDArray[np.number[Any]])
assert_type(conv1d(single, single, dtype="float64"), NDArray[np.number[Any]])
assert_type(conv1d(single, single, dtype=float), NDArray[np.number[Any]])
assert_type(conv1d([[1, 2]], [[[1]]]), NDArray[np.number[Any]])

image = np.ones((2, 5, 7), np.float32)
taps = np.ones((3, 2, 3, 2), np.float32)
assert_type(conv2d(image, taps), NDArray[np.float32])
assert_type(conv3d(image[None], taps[:, :1, None]), NDArray[np.float32])
assert_type(conv_transpose1d(double, double, None, 2, 1, 1, 1, 1), NDArray[np.float64])
assert_type(conv_transpose2d(image, taps.swapaxes(0, 1), output_size=(7, 8)), NDArray[np.float32])
assert_type(conv_transpose3d([[[[1]]]], [[[[[1]]]]]), NDArray[np.number[Any]])
one = np.ones((7, 1, 1, 1))
assert_type(local_conv1d(double, one, None, 1, 0, 1, 1, flip=True), NDArray[np.float64])
assert_type(local_conv2d([[[1]]], [[[[[[1]]]]]], algorithm="local"), NDArray[np.number[Any]])
assert_type(local_conv3d(np.ones((1, 1, 1, 7)), one[None, None, ..., None, None]),
            NDArray[np.float64])
assert_type(depthwise_conv1d(double, double, None, 1, "same"), NDArray[np.float64])
assert_type(depthwise_conv2d(image, taps[:2, :1], dtype=np.float64), NDArray[np.float64])
assert_type(depthwise_conv3d([[[[1]]]], [[[[[1]]]]], flip=True), NDArray[np.number[Any]])
assert_type(pointwise_conv1d(double, double[..., 0]), NDArray[np.float64])
assert_type(pointwise_conv2d(image, taps[..., 0, 0], None, 2, groups=1), NDArray[np.float32])
assert_type(pointwise_conv3d([[[[1]]]], [[1]], channels_last=True), NDArray[np.number[Any]])
assert_type(depthwise_separable_conv1d(double, double, double[..., 0]), NDArray[np.float64])
volume = np.ones((1, 2, 2, 2))
Indices = NDArray[np.int64] | NDArray[np.int32]
assert_type(max_pool1d(single, 2, ceil_mode=True), NDArray[np.float32])
assert_type(max_pool2d(image, 2, return_indices=True), tuple[NDArray[np.float32], Indices])
assert_type(max_pool3d(volume, 2, return_indices=False), NDArray[np.float64])
assert_type(min_pool1d(pixels, 2), NDArray[np.uint8])
assert_type(min_pool2d([[[1]]], 1), NDArray[Any])
assert_type(min_pool3d([[[[1]]]], 1, return_indices=True), tuple[NDArray[Any], Indices])
assert_type(avg_pool1d(single, 2, dilation=2), NDArray[np.float32])
assert_type(avg_pool2d(image, 2, dtype=np.float64), NDArray[np.float64])
assert_type(avg_pool3d([[[[1]]]], 1, divisor_override=2), NDArray[Any])
assert_type(lp_pool1d(double, 2, 2), NDArray[np.float64])
assert_type(lp_pool2d(image, 2, 2, padding="same"), NDArray[np.float32])
assert_type(lp_pool3d(volume, 1.5, 2), NDArray[np.float64])
assert_type(adaptive_max_pool1d(single, 2), NDArray[np.float32])
assert_type(adaptive_max_pool2d(image, (2, None)), NDArray[np.float32])
assert_type(adaptive_max_pool3d(volume, 1, True), tuple[NDArray[np.float64], Indices])
assert_type(adaptive_avg_pool1d(single, 2), NDArray[np.float32])
assert_type(adaptive_avg_pool2d(image, 2, dtype=np.float16), NDArray[np.float16])
assert_type(adaptive_avg_pool3d(volume, 1), NDArray[np.float64])
assert_type(global_max_pool1d(single), NDArray[np.float32])
assert_type(global_max_pool2d(image, True), tuple[NDArray[np.float32], Indices])
assert_type(global_max_pool3d(volume), NDArray[np.float64])
assert_type(global_min_pool1d(single), NDArray[np.float32])
assert_type(global_min_pool2d(image), NDArray[np.float32])
assert_type(global_min_pool3d(volume), NDArray[np.float64])
assert_type(global_avg_pool1d(pixels), NDArray[Any])
assert_type(global_avg_pool2d(image), NDArray[np.float32])
assert_type(global_avg_pool3d(volume), NDArray[np.float64])
assert_type(global_lp_pool1d(single, 2), NDArray[np.float32])
assert_type(global_lp_pool2d(image, 1), NDArray[np.float32])
assert_type(global_lp_pool3d(volume, 3), NDArray[np.float64])
assert_type(fractional_max_pool2d(image, 2, 2), NDArray[np.float32])
assert_type(fractional_max_pool3d(volume, 1, output_ratio=0.5, rng=0), NDArray[np.float64])
places = np.zeros((1, 1, 7), np.int64)
assert_type(max_unpool1d(single, places, 2), NDArray[np.float32])
assert_type(max_unpool2d(single[None], places[None], 2, overlap="sum"), NDArray[np.float32])
assert_type(max_unpool3d([[[[1]]]], [[[[0]]]], 1), NDArray[Any])
mixed = depthwise_separable_conv2d(
    image, taps[:2, :1], taps[..., 0, 0], [1, 2, 3], 1, "same", depthwise_bias=[1, 2],
    depthwise_activation="relu6", padding_mode="edge", alpha=2,
)
assert_type(mixed, NDArray[np.float32])
assert_type(
    depthwise_separable_conv3d([[[[1]]]], [[[[[1]]]]], [[1]], flip=True), NDArray[np.number[Any]]
)
# of what is moved that of the input
assert_type(unfold(image, 3, padding=1, padding_mode="edge"), NDArray[np.float32])
assert_type(unfold(image > 0, (2, 3), 1, ((0, 1), (1, 0))), NDArray[np.bool_])
assert_type(unfold([[1, 2, 3]], (1,), channels_last=True, algorithm="rows"), NDArray[Any])
assert_type(plan(unfold, (2, 5, 7), 3, stride=2), Plan)
assert_type(fold(unfold(image, 3), (5, 7), 3, channels_last=True), NDArray[np.float32])
assert_type(fold([[1, 2], [3, 4]], (3,), (2,)), NDArray[Any])
assert_type(unfold_view(image, 3, stride=(1, 2)), NDArray[np.float32])
assert_type(unfold_view([[1, 2]], (2,), channels_last=False), NDArray[Any])
assert_type(pad(pixels, 1), NDArray[np.uint8])
assert_type(pad(image, ((0, 0), (1, 2), (-1, 0)), "wrap"), NDArray[np.float32])
assert_type(pad([1, 2], (1, 0), ["constant"], 3, threads=1), NDArray[Any])
assert_type(pixel_shuffle(image, (2, 1)), NDArray[np.float32])
assert_type(pixel_unshuffle(image, (5, 7), algorithm="reference"), NDArray[np.float32])
assert_type(pixel_shuffle([[1], [2]], (2,), channels_last=False), NDArray[Any])
assert_type(pixel_unshuffle([[1, 2]], (2,)), NDArray[Any])
assert_type(channel_shuffle(image, 1), NDArray[np.float32])
assert_type(channel_shuffle([[1, 2]], groups=2), NDArray[Any])
assert_type(plan("pad", (5, 7), 1), Plan)
assert_type(plan(pad, image, 1, "edge"), Plan)

out = np.empty((3, 5, 7), np.float32)
conv2d(
    image, taps, bias=[1, 2, 3], stride=(1, 1), padding="same", dilation=(1, 1), groups=1,
    padding_mode=("constant", "wrap"), padding_value=0.5, channels_last=False, flip=True,
    residual=out, activation=("clip", 0, 6), alpha=0.5, beta=1, out=out, algorithm="direct",
    threads=1,
)
conv2d(image, taps, padding=[(1, 0), (0, 2)], activation="gelu")
assert_type(kernels.gaussian(3), np.ndarray[tuple[int, ...], np.dtype[np.float64]])

# of a filter that of the image
photo, mean = np.ones((5, 7, 3), np.uint8), np.ones((3, 3), np.float32) / 9
assert_type(filter2d(photo, mean), NDArray[np.uint8])
assert_type(filter_nd(photo, mean, dtype=np.float32), NDArray[np.float32])
assert_type(filter2d(photo, [[1, 2]], 1, padding_mode="edge"), NDArray[np.number[Any]])
assert_type(plan(filter2d, (5, 7), (3, 3), stride=2), Plan)
assert_type(prepare(filter2d, mean, None, 2), PreparedConv)
assert_type(separable_filter(photo, [np.ones(3), None]), NDArray[np.uint8])
assert_type(separable_filter(photo, [[1, 2, 1]], dtype=np.int16), NDArray[np.int16])
assert_type(plan(separable_filter, photo, [[1], [1]], padding_mode="wrap"), Plan)

# of what has no weights that of the input
assert_type(interpolate(single, 9), NDArray[np.float32])
assert_type(interpolate(pixels, scale_factor=(1.5,), mode="linear", align_corners=True),
            NDArray[np.uint8])
assert_type(interpolate([[[1, 2]]], 4, algorithm="reference"), NDArray[np.number[Any]])
assert_type(nearest_unpool1d(pixels, 2), NDArray[np.uint8])
assert_type(nearest_unpool2d(image, (2, 3), 2, 1, None), NDArray[np.float32])
assert_type(nearest_unpool3d([[[[1]]]], 2, channels_last=True), NDArray[np.number[Any]])
assert_type(bed_of_nails_unpool1d(half, 2, output_size=14), NDArray[np.float16])
assert_type(bed_of_nails_unpool2d(image, 2, (1, 2), threads=1), NDArray[np.float32])
assert_type(bed_of_nails_unpool3d(image[None], 2), NDArray[np.float32])
assert_type(plan(interpolate, (1, 1, 5, 7), 9, mode="bicubic"), Plan)
assert_type(plan("nearest_unpool2d", image, 2), Plan)

layer = prepare(taps, None, 2, 1, activation=("leaky_relu", 0.1), dtype=np.float32)
assert_type(layer, PreparedConv)
assert_type(prepare(conv2d, taps, None, 2, padding="same"), PreparedConv)
assert_type(prepare("conv2d", weight=taps), PreparedConv)
assert_type(layer(image, threads=1), NDArray[np.number[Any]])
assert_type(layer.plan(image), Plan)
assert_type(prepare(filter2d, mean)(image=image), NDArray[np.number[Any]])
assert_type(prepare(filter2d, mean).kernel, NDArray[Any])
assert_type(layer.plan((2, 5, 7), threads=1), Plan)
assert_type(layer.weight, NDArray[Any])
assert_type(layer.flip, bool)
assert_type(layer.threads, int | None)
both = prepare(depthwise_separable_conv2d, taps[:2, :1], taps[..., 0, 0], padding=1)
assert_type(both(image), NDArray[np.number[Any]])
assert_type(both.pointwise_weight, NDArray[Any])
assert_type(plan(depthwise_separable_conv2d, (2, 5, 7), (2, 1, 3, 3), (3, 2)), Plan)
assert_type(prepare("pointwise_conv2d", taps[..., 0, 0]), PreparedConv)
up = prepare(conv_transpose2d, taps.swapaxes(0, 1), None, 2, 1, 1, padding_mode="wrap")
assert_type(up(image), NDArray[np.number[Any]])

how = plan(conv2d, (2, 5, 7), (3, 2, 3, 2), padding="same", residual=out)
assert_type(how, Plan)
assert_type(plan("conv2d", image, weight=taps, stride=2), Plan)
assert_type(plan(conv_transpose2d, (2, 5, 7), (2, 3, 3, 2), padding_mode="wrap"), Plan)
assert_type(plan(layer, (2, 5, 7), threads=1), Plan)
assert_type(how.threads, int)
assert_type(how.output_shape, tuple[int, ...])


@fastconv.settings(threads=1, algorithm="direct")
def threads() -> int:
    return fastconv.get_num_threads()


fastconv.set_num_threads(None)
with fastconv.settings(isa="generic"):
    assert_type(threads(), int)
assert_type(fastconv.__version__, str)
with fastconv.patch.installed():
    assert_type(fastconv.patch.status().entries["signal.upfirdn"].served, int)
"""
