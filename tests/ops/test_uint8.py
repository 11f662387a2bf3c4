# SPDX-License-Identifier: BSD-3-Clause
"""Kernels that read and store uint8 themselves: the bits of those that read float32."""

import numpy as np
import pytest
from guarded import between_pages, seal
from ways import ISAS, planned_anew

import fastconv
from fastconv._plan import depthwise
from fastconv._plan.depthwise_cost import Way


def taking(of_bytes):
    """Plans inside take such ways, or none of them."""

    def pick(ways):
        found = [way for way in ways if way.of_bytes == of_bytes]
        assert found
        return found

    return planned_anew(depthwise.choosing(pick))


def photograph(rng, shape):
    """An image that touches a protected page on either side."""
    image = between_pages(shape, np.uint8, at_end=bool(rng.integers(2)))
    image[...] = rng.integers(0, 256, shape)
    seal(image)
    return image


def both(function, image, *arguments, **said):
    """What either way makes, where all of `out` is written."""
    results = []
    for of_bytes in (True, False):
        with taking(of_bytes):
            out = between_pages(function(image, *arguments, **said).shape, np.uint8, True)
            out[...] = 77
            results.append(function(image, *arguments, out=out, **said))
    return results


SHAPES = [(37, 131), (19, 127, 3), (11, 149, 2), (1, 300), (300, 113, 5)]
BORDERS = ["constant", "edge", "wrap", "mirror", "symmetric"]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_images(isa, size, shape):
    rng = np.random.default_rng(hash((shape, size)) % 2**32)
    kernel = rng.standard_normal((size, size)).astype(np.float32)
    kernel /= abs(kernel).sum() / 3
    for border in BORDERS[: len(BORDERS) if shape[0] > size else 2]:
        padding = ["same", "valid", "full", (1, 2)][rng.integers(4)] if shape[0] > size else "same"
        said = {"padding": padding, "padding_mode": border, "threads": int(rng.integers(1, 3))}
        if rng.integers(2):
            said["activation"] = ("clip", 3.0, 250.0)
        image = photograph(rng, shape)
        with fastconv.settings(isa=isa):
            ours, other = both(fastconv.filter2d, image, kernel, **said)
            exact = fastconv.filter2d(image, kernel, algorithm="reference", **said)
        np.testing.assert_array_equal(ours, other)
        assert np.max(abs(ours.astype(int) - exact.astype(int))) <= 1


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dilation", [1, (2, 3), (1, 7)])
def test_channels_first(isa, dilation):
    """Planes of several images, each with output channels, a bias and an activation."""
    rng = np.random.default_rng(3)
    image = photograph(rng, (2, 3, 41, 151))
    weight = rng.standard_normal((6, 1, 3, 3)).astype(np.float32)
    bias = rng.standard_normal(6).astype(np.float32) * 99
    said = {"groups": 3, "padding": "same", "dilation": dilation, "activation": "relu"}
    said |= {"dtype": np.uint8, "overflow": "saturate"}
    with fastconv.settings(isa=isa):
        ours, other = both(fastconv.conv2d, image, weight, bias, **said)
        layer = fastconv.prepare(weight, bias, **said)
        with taking(True):
            np.testing.assert_array_equal(layer(image), ours)
    np.testing.assert_array_equal(ours, other)


@pytest.mark.parametrize("isa", ISAS)
def test_depth(isa):
    """Planes of an image of three axes, whose kernel has one tap along the first."""
    rng = np.random.default_rng(4)
    image = photograph(rng, (5, 23, 137, 3))
    kernel = rng.standard_normal((1, 5, 5)).astype(np.float32)
    with fastconv.settings(isa=isa):
        ours, other = both(fastconv.filter_nd, image, kernel, dilation=(1, 2, 1))
    np.testing.assert_array_equal(ours, other)


@pytest.mark.parametrize("isa", ISAS)
def test_what_a_byte_cannot_hold(isa):
    """Halves go to even, large sums to a bound, NaN to 0."""
    image = np.arange(256, dtype=np.uint8).repeat(3)[None].repeat(4, 0)
    for middle, other in [(0.5, 0), (1e30, 0), (-np.inf, 0), (np.nan, 0), (1, 0.5), (3e38, 3e38)]:
        kernel = np.full((3, 3), other, np.float32)
        kernel[1, 1] = middle
        with fastconv.settings(isa=isa):
            ours, strips = both(fastconv.filter2d, image, kernel)
        np.testing.assert_array_equal(ours, strips)
        if other == 0:
            with np.errstate(all="ignore"):
                sums = np.nan_to_num(image * np.float32(middle), nan=0, posinf=255, neginf=0)
            np.testing.assert_array_equal(ours, np.clip(np.rint(sums), 0, 255))


REFUSED = [
    ((9, 131, 3), (7, 7), {}),
    ((9, 131, 3), (3, 3), {"padding_mode": "constant", "padding_value": 3}),
    ((9, 131, 3), (3, 3), {"stride": 2}),
    ((9, 131, 3), (3, 3), {"dtype": np.float32}),
    ((9, 131, 3), (3, 3), {"residual": np.zeros((9, 131, 3), np.uint8)}),
    ((9, 131, 3), (3, 3), {"activation": "gelu"}),
]


@pytest.mark.parametrize(("shape", "kernel", "said"), REFUSED, ids=str)
def test_what_they_leave_to_others(shape, kernel, said):
    offered: list[Way] = []
    image = np.zeros(shape, np.uint8)
    with planned_anew(depthwise.choosing(lambda ways: offered.extend(ways) or ways)):
        fastconv.filter2d(image, np.ones(kernel, np.float32), **said)
        assert offered
        assert not any(way.of_bytes for way in offered)
        fastconv.filter2d(image[:, ::2], np.ones((3, 3), np.float32))  # columns are not in a row
        assert not any(way.of_bytes for way in offered)
        fastconv.filter2d(image, np.ones((3, 3), np.float32))
        assert any(way.of_bytes for way in offered)
