# SPDX-License-Identifier: BSD-3-Clause
"""Single arguments: what is accepted, and every refusal's message."""

import re

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import fastconv
from fastconv._spec import arguments, operands
from fastconv._spec import conv as spec

F4 = np.dtype("f4")
DTYPES = "an integer dtype, float16, bfloat16, float32, float64, complex64 or complex128"
NEEDED = f"but it must be bool, {DTYPES}"
WHOLE = "where input and weight are integers, unless dtype is floating point"


def conv(input=(2, 6, 11, 13), dtypes=("f4", "f4"), **said):
    source, weight = map(np.dtype, dtypes)
    return spec.make_conv_spec("conv2d", 2, input, source, (4, 3, 3, 5), weight, groups=2, **said)


def refuses(kind, message):
    return pytest.raises(kind, match=f"^{re.escape(message)}$")


KNOWN = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]


@pytest.mark.parametrize("dtype", KNOWN + [f">{dtype}" for dtype in KNOWN[3:]])
@pytest.mark.parametrize("argument", ["input", "weight"])
def test_an_array_is_taken_as_it_is(argument, dtype):
    array = np.zeros((3, 5), dtype)[::-2, 1:]
    array.flags.writeable = False
    assert arguments.as_operand("conv2d", argument, array) is array


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
    got = arguments.as_operand("conv2d", "input", value)
    assert (type(got), got.dtype, got.tolist()) == (np.ndarray, np.float64, [[1.0, 2.0]])


@pytest.mark.parametrize(
    ("value", "dtype"), [([[1, 2]], "i8"), ([[True]], "?"), ([[1, 2j]], "c16"), (3, "i8")]
)
def test_the_dtype_is_what_numpy_makes_of_it(value, dtype):
    got = arguments.as_operand("conv2d", "input", value)
    assert (got.dtype, got.tolist()) == (np.dtype(dtype), value)


@pytest.mark.parametrize("dtype", ["O", "S3", "U3", "M8[s]", "m8[s]", "g", "G", "V8", "f4,f8"])
def test_never(dtype):
    for argument in ("input", "weight"):
        with refuses(TypeError, f"conv2d: {argument} has dtype {np.dtype(dtype)}, {NEEDED}"):
            arguments.as_operand("conv2d", argument, np.zeros(3, dtype))


class Broken:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no data here")


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (None, TypeError, "input is None, but it must be an array"),
        ("text", TypeError, f"input has dtype <U4, {NEEDED}"),
        ({}, TypeError, f"input has dtype object, {NEEDED}"),
        ([[2**64]], TypeError, f"input has dtype object, {NEEDED}"),
        (
            Broken(),
            TypeError,
            "input is a Broken that NumPy cannot make an array of (no data here), "
            "but it must be an array or nested lists of equal lengths",
        ),
        (
            np.ma.array([1.0, 2.0], mask=[0, 1]),
            TypeError,
            "input is a masked array, whose mask would be lost, but it must be an array without a "
            "mask, such as input.filled(0)",
        ),
    ],
)
def test_refuses_operands(value, kind, message):
    with refuses(kind, f"conv2d: {message}"):
        arguments.as_operand("conv2d", "input", value)


def test_refuses_ragged_lists():
    with pytest.raises(ValueError, match=r"^conv2d: weight is a list that NumPy cannot"):
        arguments.as_operand("conv2d", "weight", [[1.0], [1.0, 2.0]])


@pytest.mark.parametrize("algorithm", ["auto", "direct", "reference"])
def test_algorithm(algorithm):
    assert arguments.check_algorithm("conv2d", algorithm, ("direct", "reference")) == algorithm


@pytest.mark.parametrize(
    ("algorithm", "kind"), [("fft", ValueError), (None, TypeError), (["auto"], TypeError)]
)
def test_refuses_algorithm(algorithm, kind):
    with refuses(
        kind,
        f"conv2d: algorithm is {algorithm!r}, but it must be one of 'auto', 'direct', 'reference'",
    ):
        arguments.check_algorithm("conv2d", algorithm, ("direct", "reference"))


def test_words_of_others():
    for word, meant in (
        ("periodic", "'wrap'"),
        ("Circular", "'wrap'"),
        ("Edge", "'edge'"),
        ("ZEROS", "'constant'"),
    ):
        with refuses(ValueError, f"conv2d: padding_mode is {word!r}, but its name here is {meant}"):
            conv(padding_mode=word)
    with pytest.raises(ValueError, match="'Reflect', but it must be 'mirror'"):
        conv(padding_mode="Reflect")
    for word, meant in (
        ("swish", "'silu'"),
        ("SiLU", "'silu'"),
        ("ReLU", "'relu'"),
        ("hard_swish", "'hardswish'"),
        ("LeakyReLU", "('leaky_relu', slope)"),
        ("None", "'none'"),
    ):
        with refuses(ValueError, f"conv2d: activation is {word!r}, but its name here is {meant}"):
            conv(activation=word)
    with refuses(ValueError, "conv2d: padding is 'SAME', but its name here is 'same'"):
        conv(padding="SAME")


def test_a_parameter_of_an_activation_is_named():
    for activation, part in ((("clip", 0, 25.5), "high is 25.5"), (("clip", 0.5, 2), "low is 0.5")):
        with refuses(TypeError, f"conv2d: activation's {part}, but it must be an integer {WHOLE}"):
            conv(dtypes=("i1", "i1"), activation=activation)
    with refuses(TypeError, "conv2d: activation's slope is 'a', but it must be a real number"):
        conv(activation=("leaky_relu", "a"))


def test_the_dtypes_of_results_have_no_bool():
    needed = f"but it must be {DTYPES}"
    for dtype, shown in (("float17", "dtype is 'float17'"), ("U3", "dtype is <U3")):
        with refuses(TypeError, f"conv2d: {shown}, {needed}"):
            conv(dtype=dtype)
    with refuses(TypeError, f"conv2d: dtype is bool, {needed}"):
        conv(dtype=bool)


def test_threads():
    assert arguments.check_threads("conv2d", None) is None
    assert arguments.check_threads("conv2d", np.int16(7)) == 7


@pytest.mark.parametrize(
    ("threads", "kind"), [(0, ValueError), (1025, ValueError), (True, TypeError), (2.0, TypeError)]
)
def test_refuses_threads(threads, kind):
    with refuses(kind, f"conv2d: threads is {threads!r}, but it must be an integer from 1 to 1024"):
        arguments.check_threads("conv2d", threads)


def test_shapes():
    assert arguments.as_shape("plan", "input", (1, np.int64(3), 0)) == (1, 3, 0)
    for wrong in (7, [1, 3], (1, 3.0)):
        needed = "an array or a shape, which is a tuple of integers"
        with refuses(TypeError, f"plan: input is {wrong}, but it must be {needed}"):
            arguments.as_shape("plan", "input", wrong)
    with refuses(ValueError, "plan: input[1] is -1, but it must be an integer of at least 0"):
        arguments.as_shape("plan", "input", (1, -1))


# ---- bias and out


def test_no_bias():
    assert operands.check_bias(conv(), None, F4) is None


def test_bias_is_not_copied():
    bias = np.arange(4, dtype="f4")
    bias.flags.writeable = False
    assert operands.check_bias(conv(), bias, F4) is bias


@pytest.mark.parametrize(
    "bias",
    [
        [1, 2, 3, 4],
        np.arange(1, 5, dtype="f8"),
        np.arange(1, 5, dtype=">f4"),
        np.arange(1, 5, dtype="f2"),
        np.arange(1, 5, dtype=">u2"),
        np.arange(4, 0, -1, dtype="f4")[::-1],
        np.frombuffer(b"." + np.arange(1, 5, dtype="f4").tobytes(), "f4", 4, offset=1),
    ],
)
def test_bias_is_cast(bias):
    got = operands.check_bias(conv(), bias, F4)
    assert (type(got), got.dtype, got.dtype.isnative) == (np.ndarray, F4, True)
    assert (got.flags.c_contiguous, got.flags.aligned) == (True, True)
    assert got.tolist() == [1, 2, 3, 4]


def test_bias_of_integers():
    """In the dtype that it is added in, exactly."""
    sums = conv(dtypes=("i1", "u1"))
    assert sums.dtype == np.int32
    for bias in (np.array([2**62 + 1, -1, 0, 7]), [True] * 4, np.arange(4, dtype="u1")):
        got = operands.check_bias(sums, bias, np.dtype("i8"))
        assert (got.dtype, got.tolist()) == (np.int64, np.asarray(bias, "i8").tolist())
    with refuses(TypeError, f"conv2d: bias has dtype float32, but it must hold integers {WHOLE}"):
        operands.check_bias(sums, np.zeros(4, "f4"), np.dtype("i8"))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_bias_of_complex_numbers(dtype):
    """Its parts, one after the other; those of a group first where they have sums of their own."""
    complex_dtype, dtype = ("c8" if dtype == "f4" else "c16"), np.dtype(dtype)
    sums, apart = (conv(dtypes=(complex_dtype, other)) for other in (complex_dtype, dtype))
    for bias in (np.array([1, 2j, 3 - 1j, 0], "c16")[::-1], [1.0, 2.0, 3.0, 4.0], [1, 2, 3, 4]):
        got = operands.check_bias(sums, bias, dtype)
        assert (got.dtype, got.shape, got.flags.c_contiguous) == (dtype, (8,), True)
        np.testing.assert_array_equal(got[::2] + 1j * got[1::2], bias)
        got = operands.check_bias(apart, bias, dtype)
        group = got.reshape(2, 2, 2)  # group, part, channel
        np.testing.assert_array_equal((group[:, 0] + 1j * group[:, 1]).ravel(), bias)


@pytest.mark.parametrize(
    ("bias", "kind", "message"),
    [
        (
            np.zeros(3),
            ValueError,
            "bias has shape (3,), but it must be (4,), one value per output channel",
        ),
        (0.0, ValueError, "bias has shape (), but it must be (4,), one value per output channel"),
        (
            np.zeros((4, 1)),
            ValueError,
            "bias has shape (4, 1), but it must be (4,), one value per output channel",
        ),
        (
            np.zeros(4, "c8"),
            TypeError,
            "bias has dtype complex64, but it must be real where the result is",
        ),
        (["a"] * 4, TypeError, f"bias has dtype <U1, {NEEDED}"),
        (np.zeros(4, "M8[s]"), TypeError, f"bias has dtype datetime64[s], {NEEDED}"),
        (np.zeros(4, "g"), TypeError, f"bias has dtype {np.dtype('g')}, {NEEDED}"),
        ([2**64] * 4, TypeError, f"bias has dtype object, {NEEDED}"),
        (
            np.ma.zeros(4),
            TypeError,
            "bias is a masked array, whose mask would be lost, but it must be an array without a "
            "mask, such as bias.filled(0)",
        ),
    ],
)
def test_refuses_bias(bias, kind, message):
    with refuses(kind, f"conv2d: {message}"):
        operands.check_bias(conv(), bias, F4)


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
    assert operands.check_out(conv(), out) is None


def test_empty_out_cannot_overlap():
    out = as_strided(np.empty(1, "f4"), (0, 4, 9, 9), (0, 0, 0, 0))
    assert operands.check_out(conv((0, 6, 11, 13)), out) is None


def test_out_of_another_dtype():
    """What `dtype` says, in any byte order."""
    for dtype in ("f2", "f8", ">f2"):
        out = np.empty(OUT, dtype)
        said = {"dtype": np.dtype(dtype).newbyteorder("=")}
        assert operands.check_out(conv(**said), out) is None
        needed = f"but it must be float32, or pass dtype=np.{said['dtype'].name}"
        with refuses(TypeError, f"conv2d: out has dtype {out.dtype}, {needed}"):
            operands.check_out(conv(), out)


def test_what_beta_multiplies_is_needed():
    with refuses(
        ValueError,
        "conv2d: beta is 0.5 and out is None, but out must be an array, which beta multiplies",
    ):
        operands.check_out(conv(beta=0.5), None)
    assert operands.check_out(conv(beta=0.0), None) is None


def readonly():
    out = np.empty(OUT, "f4")
    out.flags.writeable = False
    return out


def windows():
    return as_strided(np.empty(200, "f4"), OUT, (0, 36, 4, 36))


@pytest.mark.parametrize(
    ("out", "kind", "message"),
    [
        (
            np.zeros(OUT, "f8"),
            TypeError,
            "out has dtype float64, but it must be float32, or pass dtype=np.float64",
        ),
        (
            np.zeros(OUT, "i4"),
            TypeError,
            "out has dtype int32, but it must be float32, "
            "or pass dtype=np.int32, overflow='saturate'",
        ),
        (np.zeros((2, 4, 9), "f4"), ValueError, f"out has shape (2, 4, 9), but it must be {OUT}"),
        (
            np.zeros((1, *OUT), "f4"),
            ValueError,
            f"out has shape (1, 2, 4, 9, 9), but it must be {OUT}",
        ),
        (readonly(), ValueError, "out is read-only, but it must be writeable"),
        (
            np.broadcast_to(np.float32(0), OUT),
            ValueError,
            "out is read-only, but it must be writeable",
        ),
        (np.zeros(OUT, "f4").tolist(), TypeError, "out is a list, but it must be a numpy.ndarray"),
        (np.ma.zeros(OUT, "f4"), TypeError, "out is a MaskedArray, but it must be a numpy.ndarray"),
        (
            windows(),
            ValueError,
            f"out has shape {OUT} with strides (0, 36, 4, 36), whose elements share memory, "
            "but each must have its own",
        ),
    ],
)
def test_refuses_out(out, kind, message):
    with refuses(kind, f"conv2d: {message}"):
        operands.check_out(conv(), out)


@pytest.mark.peers
def test_tensors_are_taken_as_arrays():
    import torch

    x, w = torch.ones(1, 2, 5, 7), torch.ones(3, 2, 3, 3)
    result = fastconv.conv2d(x, w)
    assert type(result) is np.ndarray
    assert torch.from_numpy(result).data_ptr() == result.ctypes.data
    out = torch.empty(1, 3, 3, 5)
    fastconv.conv2d(x, w, out=out.numpy())
    assert torch.equal(out, torch.nn.functional.conv2d(x, w))
    for refused in (w.clone().requires_grad_(), w.to(torch.bfloat16)):
        with pytest.raises(TypeError, match="weight is a Tensor that NumPy cannot"):
            fastconv.conv2d(x, refused)
