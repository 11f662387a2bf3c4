# SPDX-License-Identifier: BSD-3-Clause
"""pixel_shuffle, pixel_unshuffle and channel_shuffle: elements in another order."""

import re

import numpy as np
import pytest
from arrays import EVERY, READABLE, WRITEABLE, numbers
from hypothesis import given, settings
from hypothesis import strategies as st
from ways import ISAS

import fastconv
from fastconv import channel_shuffle, pixel_shuffle, pixel_unshuffle, plan


def shuffled(x, factors):
    """Channels as pixels, of an array with a batch axis."""
    batch, channels, *sizes = x.shape
    rank, channels = len(factors), channels // int(np.prod(factors))
    x = x.reshape(batch, channels, *factors, *sizes)
    axes = [axis for i in range(rank) for axis in (2 + rank + i, 2 + i)]
    larger = [n * r for n, r in zip(sizes, factors, strict=True)]
    return x.transpose(0, 1, *axes).reshape(batch, channels, *larger)


def dealt(x, groups):
    """Channels dealt from groups."""
    parts = x.reshape(len(x), groups, x.shape[1] // groups, *x.shape[2:])
    return parts.swapaxes(1, 2).reshape(x.shape)


def to_last(x):
    return np.moveaxis(x, 1, -1)


def assert_moved(got, expected):
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype.newbyteorder("=")
    assert got.tobytes() == expected.astype(got.dtype).tobytes()


@pytest.mark.peers
def test_they_are_those_of_torch():
    import torch

    x = numbers((2, 36, 5, 7))
    tensor = torch.from_numpy(x)
    large = torch.nn.functional.pixel_shuffle(tensor, 3)
    assert_moved(pixel_shuffle(x, 3), large.numpy())
    assert_moved(pixel_shuffle(x[1], 3), large[1].numpy())
    small = torch.nn.functional.pixel_unshuffle(large, 3)
    assert_moved(pixel_unshuffle(large.numpy(), 3), small.numpy())
    for groups in (1, 2, 9, 36):
        expected = torch.nn.functional.channel_shuffle(tensor, groups)
        assert_moved(channel_shuffle(x, groups), expected.numpy())


@st.composite
def problems(draw):
    """(array of small pixels with a batch axis, factors)."""
    rank = draw(st.integers(1, 3))

    def per_axis(high, low=1):
        return tuple(draw(st.lists(st.integers(low, high), min_size=rank, max_size=rank)))

    factors, sizes = per_axis(4), per_axis((19, 9, 5)[rank - 1], 0)
    batch, channels = draw(st.integers(0, 3)), draw(st.sampled_from([0, 1, 2, 3, 5]))
    shape = (batch, channels * int(np.prod(factors)), *sizes)
    x = numbers(shape, draw(st.sampled_from(EVERY)))
    return READABLE[draw(st.sampled_from(sorted(READABLE)))](x), factors


@settings(max_examples=200, deadline=None)
@given(problem=problems(), threads=st.sampled_from([1, 2, 3]), isa=st.sampled_from(ISAS))
def test_pixels(problem, threads, isa):
    x, factors = problem
    expected = shuffled(x, factors)
    with fastconv.settings(isa=isa):
        got = pixel_shuffle(x, factors, threads=threads)
        assert_moved(got, expected)
        assert_moved(pixel_unshuffle(got, factors, threads=threads), x)
        last = pixel_shuffle(to_last(x), factors, channels_last=True, threads=threads)
        assert_moved(last, to_last(expected))
        assert_moved(pixel_unshuffle(last, factors, channels_last=True), to_last(x))
    assert_moved(pixel_shuffle(x, factors, algorithm="reference"), expected)
    assert_moved(
        pixel_unshuffle(last, factors, channels_last=True, algorithm="reference"), to_last(x)
    )
    if len(x) == 1:
        assert_moved(pixel_shuffle(x[0], factors), expected[0])
        assert_moved(pixel_unshuffle(expected[0], factors), x[0])


@pytest.mark.parametrize("shape", [(2, 12), (3, 12, 7), (2, 24, 5, 7), (1, 12, 3, 4, 5, 2)])
@pytest.mark.parametrize("groups", [1, 2, 3, 12])
@pytest.mark.parametrize("dtype", ["f4", "u1", "c16", ">i2"])
def test_channels(shape, groups, dtype):
    x = numbers(shape, "f8").astype(dtype) if dtype != "u1" else numbers(shape, "u1")
    expected = dealt(x, groups)
    for said in ({}, {"threads": 2}, {"algorithm": "reference"}):
        assert_moved(channel_shuffle(x, groups, **said), expected)
        last = channel_shuffle(to_last(x), groups, channels_last=True, **said)
        assert_moved(last, to_last(expected))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_large_arrays(threads):
    x = numbers((3, 128, 61, 67))
    assert_moved(pixel_shuffle(x, (2, 4), threads=threads), shuffled(x, (2, 4)))
    assert_moved(pixel_unshuffle(shuffled(x, (2, 4)), (2, 4), threads=threads), x)
    assert_moved(channel_shuffle(x, 16, threads=threads), dealt(x, 16))
    last = np.ascontiguousarray(to_last(x))
    assert_moved(
        pixel_shuffle(last, (2, 4), channels_last=True, threads=threads),
        to_last(shuffled(x, (2, 4))),
    )


@pytest.mark.parametrize("to", sorted(WRITEABLE))
def test_out(to):
    x = numbers((2, 12, 5, 7))
    for function, argument, expected in (
        (pixel_shuffle, (2, 3), shuffled(x, (2, 3))),
        (pixel_unshuffle, (5, 1), pixel_unshuffle(x, (5, 1))),
        (channel_shuffle, 4, dealt(x, 4)),
    ):
        out = WRITEABLE[to](np.zeros(expected.shape, "f4"))
        assert function(x, argument, out=out) is out
        np.testing.assert_array_equal(out, expected)
    same = x.copy()
    assert channel_shuffle(same, 4, out=same) is same
    np.testing.assert_array_equal(same, dealt(x, 4))


def test_plans():
    for name, argument, shape in (
        ("pixel_shuffle", 2, (2, 3, 20, 28)),
        ("pixel_unshuffle", 2, (2, 48, 5, 7)),
        ("channel_shuffle", 3, (2, 12, 10, 14)),
    ):
        how = plan(name, (2, 12, 10, 14), argument, threads=1)
        assert (how.algorithm, how.flops, how.output_shape) == ("rows", 0, shape)
        assert how.refused == (("reference", "only by name: slow and obvious, for tests"),)


X = np.ones((2, 12, 6, 5))


@pytest.mark.parametrize(
    ("function", "arguments", "said", "message"),
    [
        (pixel_shuffle, (X, 5), {}, "pixel_shuffle: input has 12 channels, but for "
         "upscale_factor (5, 5) it must have a multiple of 25"),
        (pixel_shuffle, (X, (2,)), {}, "pixel_shuffle: input has shape (2, 12, 6, 5), but it must "
         "be (N, C, L) or (C, L) where upscale_factor has 1 entry"),
        (pixel_shuffle, (X[0, 0], 2), {"channels_last": True}, "pixel_shuffle: input has shape "
         "(6, 5), but it must be (N, H, W, C) or (H, W, C) where upscale_factor is one integer"),
        (pixel_shuffle, (X, 0), {}, "pixel_shuffle: upscale_factor is 0, but it must be "),
        (pixel_unshuffle, (X, 3), {}, "pixel_unshuffle: input has size 5 on axis W, but it must "
         "be a multiple of 3, which downscale_factor says"),
        (pixel_unshuffle, (X, (1, 2, 3, 4)), {}, "pixel_unshuffle: downscale_factor is "
         "(1, 2, 3, 4), but it must be an integer"),
        (channel_shuffle, (X, 5), {}, "channel_shuffle: input has 12 channels, but it must have a "
         "multiple of 5, the number of groups"),
        (channel_shuffle, (X[0, :, :5], 3), {}, "channel_shuffle: input has 5 channels, but it "
         "must have a multiple of 3, the number of groups; if it has no batch axis, write "
         "input[None]"),
        (channel_shuffle, (X, 0), {}, "channel_shuffle: groups is 0, but it must be an integer of "
         "at least 1"),
        (channel_shuffle, (X[0, 0, 0], 1), {}, "channel_shuffle: input has shape (5,), but it "
         "must be (N, C, *spatial)"),
    ],
)  # fmt: skip
def test_errors(function, arguments, said, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        function(*arguments, **said)
