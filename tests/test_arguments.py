# SPDX-License-Identifier: BSD-3-Clause
"""Single arguments: what is accepted, and every refusal's message."""

import re

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from fastconv import arguments, spec

F4 = np.dtype("f4")


def conv(input=(2, 6, 11, 13)):
    return spec.make_conv_spec("conv2d", 2, input, F4, (4, 3, 3, 5), F4, groups=2)


def refuses(kind, message):
    return pytest.raises(kind, match=f"^{re.escape(message)}$")


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", ">f8"])
def test_an_array_is_taken_as_it_is(dtype):
    array = np.zeros((3, 5), dtype)[::-2, 1:]
    array.flags.writeable = False
    assert spec.as_operand("conv2d", "input", array) is array


@pytest.mark.parametrize(
    "value",
    [
        [[1.0, 2.0]],
        ((1.0, 2.0),),
        np.array([[1.0, 2.0]]).view(np.matrix),
        memoryview(np.array([[1.0, 2.0]])),
    ],
)
def test_array_likes(value):
    got = spec.as_operand("conv2d", "input", value)
    assert (type(got), got.dtype, got.tolist()) == (np.ndarray, np.float64, [[1.0, 2.0]])


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "c8", "c16"]
)
@pytest.mark.parametrize("argument", ["input", "weight"])
def test_not_yet(dtype, argument):
    got = np.dtype(dtype)
    message = f"{argument} has dtype {got}, which is not supported yet (float32 and float64 are)"
    with refuses(TypeError, f"conv1d: {message}"):
        spec.as_operand("conv1d", argument, np.zeros(3, dtype))


@pytest.mark.parametrize("dtype", ["O", "S3", "U3", "M8[s]", "m8[s]", "g", "G", "V8", "f4,f8"])
def test_never(dtype):
    with refuses(
        TypeError, f"conv2d: input has dtype {np.dtype(dtype)}, float32 or float64 is needed"
    ):
        spec.as_operand("conv2d", "input", np.zeros(3, dtype))


class Broken:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no data here")


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (None, TypeError, "input is None, an array is needed"),
        ("text", TypeError, "input has dtype <U4, float32 or float64 is needed"),
        ({}, TypeError, "input has dtype object, float32 or float64 is needed"),
        (
            [[1, 2]],
            TypeError,
            "input has dtype int64, which is not supported yet (float32 and float64 are)",
        ),
        (
            Broken(),
            TypeError,
            "input is a Broken that NumPy cannot make an array of (no data here); "
            "an array is needed",
        ),
        (
            np.ma.array([1.0, 2.0], mask=[0, 1]),
            TypeError,
            "input is a masked array, whose mask would be lost; an array without a mask is needed, "
            "such as input.filled(0)",
        ),
    ],
)
def test_refuses_operands(value, kind, message):
    with refuses(kind, f"conv2d: {message}"):
        spec.as_operand("conv2d", "input", value)


def test_refuses_ragged_lists():
    with pytest.raises(ValueError, match=r"^conv2d: weight is a list that NumPy cannot"):
        spec.as_operand("conv2d", "weight", [[1.0], [1.0, 2.0]])


@pytest.mark.parametrize("algorithm", ["auto", "direct", "reference"])
def test_algorithm(algorithm):
    assert spec.check_algorithm("conv2d", algorithm, ("direct", "reference")) == algorithm


@pytest.mark.parametrize(
    ("algorithm", "kind"), [("fft", ValueError), (None, TypeError), (["auto"], TypeError)]
)
def test_refuses_algorithm(algorithm, kind):
    with refuses(
        kind, f"conv2d: algorithm is {algorithm!r}, one of auto, direct, reference is needed"
    ):
        spec.check_algorithm("conv2d", algorithm, ("direct", "reference"))


def test_threads():
    assert spec.check_threads("conv2d", None) is None
    assert spec.check_threads("conv2d", np.int16(7)) == 7


@pytest.mark.parametrize(
    ("threads", "kind"), [(0, ValueError), (1025, ValueError), (True, TypeError), (2.0, TypeError)]
)
def test_refuses_threads(threads, kind):
    with refuses(kind, f"conv2d: threads has {threads!r}, an integer from 1 to 1024 is needed"):
        spec.check_threads("conv2d", threads)


def test_shapes():
    assert spec.as_shape("plan", "input", [1, np.int64(3), 0]) == (1, 3, 0)
    with refuses(TypeError, "plan: input is 7, a tuple of sizes is needed"):
        spec.as_shape("plan", "input", 7)
    with refuses(
        ValueError, f"plan: input has -1, an integer from 0 to {arguments.BYTES_MAX} is needed"
    ):
        spec.as_shape("plan", "input", (1, -1))


# ---- bias and out


def test_no_bias():
    assert spec.check_bias(conv(), None) is None


def test_bias_is_not_copied():
    bias = np.arange(4, dtype="f4")
    bias.flags.writeable = False
    assert spec.check_bias(conv(), bias) is bias


@pytest.mark.parametrize(
    "bias",
    [
        [1, 2, 3, 4],
        np.arange(1, 5, dtype="f8"),
        np.arange(1, 5, dtype=">f4"),
        np.arange(1, 5, dtype="g"),
        np.arange(4, 0, -1, dtype="f4")[::-1],
        np.frombuffer(b"." + np.arange(1, 5, dtype="f4").tobytes(), "f4", 4, offset=1),
    ],
)
def test_bias_is_cast(bias):
    got = spec.check_bias(conv(), bias)
    assert (type(got), got.dtype, got.dtype.isnative) == (np.ndarray, F4, True)
    assert (got.flags.c_contiguous, got.flags.aligned) == (True, True)
    assert got.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("bias", "kind", "message"),
    [
        (
            np.zeros(3),
            ValueError,
            "bias has shape (3,), (4,) is needed: one value per output channel",
        ),
        (0.0, ValueError, "bias has shape (), (4,) is needed: one value per output channel"),
        (
            np.zeros((4, 1)),
            ValueError,
            "bias has shape (4, 1), (4,) is needed: one value per output channel",
        ),
        (np.zeros(4, "c8"), TypeError, "bias has dtype complex64, real numbers are needed"),
        (["a"] * 4, TypeError, "bias has dtype <U1, real numbers are needed"),
        (np.zeros(4, "M8[s]"), TypeError, "bias has dtype datetime64[s], real numbers are needed"),
        (
            np.ma.zeros(4),
            TypeError,
            "bias is a masked array, whose mask would be lost; an array without a mask is needed, "
            "such as bias.filled(0)",
        ),
    ],
)
def test_refuses_bias(bias, kind, message):
    with refuses(kind, f"conv2d: {message}"):
        spec.check_bias(conv(), bias)


OUT = (2, 4, 9, 9)


@pytest.mark.parametrize(
    "out",
    [
        np.empty(OUT, "f4"),
        np.empty(OUT, ">f4"),
        np.empty(OUT[::-1], "f4").T,
        np.empty((2, 4, 9, 27), "f4")[..., ::-3],
        np.empty((2, 8, 10, 9), "f4")[::-1, ::2, 1:],
        np.frombuffer(bytearray(4 * 2 * 4 * 9 * 9 + 1), "f4", offset=1).reshape(OUT),
        np.empty(OUT, "i2,f4")["f1"],
    ],
)
def test_out(out):
    assert spec.check_out(conv(), out) is None


def test_empty_out_cannot_overlap():
    out = as_strided(np.empty(1, "f4"), (0, 4, 9, 9), (0, 0, 0, 0))
    assert spec.check_out(conv((0, 6, 11, 13)), out) is None


def readonly():
    out = np.empty(OUT, "f4")
    out.flags.writeable = False
    return out


def windows():
    return as_strided(np.empty(200, "f4"), OUT, (0, 36, 4, 36))


@pytest.mark.parametrize(
    ("out", "kind", "message"),
    [
        (np.zeros(OUT, "f8"), TypeError, "out has dtype float64, float32 is needed"),
        (np.zeros(OUT, "i4"), TypeError, "out has dtype int32, float32 is needed"),
        (np.zeros((2, 4, 9), "f4"), ValueError, f"out has shape (2, 4, 9), {OUT} is needed"),
        (np.zeros((1, *OUT), "f4"), ValueError, f"out has shape (1, 2, 4, 9, 9), {OUT} is needed"),
        (readonly(), ValueError, "out is read-only, a writeable array is needed"),
        (
            np.broadcast_to(np.float32(0), OUT),
            ValueError,
            "out is read-only, a writeable array is needed",
        ),
        (np.zeros(OUT, "f4").tolist(), TypeError, "out is a list, a numpy.ndarray is needed"),
        (np.ma.zeros(OUT, "f4"), TypeError, "out is a MaskedArray, a numpy.ndarray is needed"),
        (
            windows(),
            ValueError,
            f"out has shape {OUT} with strides (0, 36, 4, 36), which share memory "
            "between elements; memory of its own for each is needed",
        ),
    ],
)
def test_refuses_out(out, kind, message):
    with refuses(kind, f"conv2d: {message}"):
        spec.check_out(conv(), out)
