# SPDX-License-Identifier: BSD-3-Clause
"""What a newcomer gets wrong in the first calls: each message says what to write."""

import re
import subprocess
import sys

import numpy as np
import pytest

import fastconv
from fastconv import conv2d, plan, prepare
from fastconv._ops.operation import OPERATIONS

MUST = "but it must be"
SRC, WEI = (1, 3, 17, 13), (5, 3, 3, 2)
PHOTO, TAPS = np.ones(SRC, np.uint8), np.ones(WEI, np.int8)


def refuses(kind, message):
    return pytest.raises(kind, match=f"^{re.escape(message)}$")


# ---- dtype -------------------------------------------------------------------------------------


def run_python(code):
    return subprocess.run(
        [sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True
    ).stdout


FIRST = "import sys, numpy as np, fastconv\nx, w = np.ones((1, 5)), np.ones((1, 1, 3))\n"


def test_bfloat16_by_its_name():
    """It is known before the user imports ml_dtypes."""
    code = FIRST + "assert 'ml_dtypes' not in sys.modules\n"
    one = "print(fastconv.conv1d(x, w, dtype='bfloat16').dtype)"
    layer = "layer = fastconv.prepare(w, dtype='bfloat16'); print(layer(x).dtype, repr(layer))"
    assert run_python(code + one) == "bfloat16\n"
    assert run_python(code + layer).startswith("bfloat16 prepare(")


def test_bfloat16_without_ml_dtypes():
    code = FIRST + "sys.modules['ml_dtypes'] = None\n"
    code += "try:\n    fastconv.conv1d(x, w, dtype='bfloat16')\n"
    code += "except ImportError as error:\n    print(error)"
    needs = "conv1d: dtype 'bfloat16' needs ml_dtypes: pip install ml_dtypes\n"
    assert run_python(code) == needs


def test_an_integer_result_of_floating_point_sums():
    with refuses(
        ValueError,
        "conv2d: dtype is int8 and sums are float32, but then overflow must be 'saturate', which "
        "rounds and clips",
    ):
        conv2d(np.ones(SRC, "f4"), np.ones(WEI, "f4"), dtype=np.int8)


@pytest.mark.parametrize(
    ("sums", "out", "hint"),
    [
        ("i1", "u1", "int32, or pass dtype=np.uint8"),
        ("i1", "f4", "int32, or pass dtype=np.float32"),
        ("f8", "u1", "float64, or pass dtype=np.uint8, overflow='saturate'"),
        ("f8", ">f4", "float64, or pass dtype=np.float32"),
        ("f8", "?", "float64"),
        ("f8", "O", "float64"),
        ("c8", "f4", "complex64"),
    ],
)
def test_out_of_another_dtype(sums, out, hint):
    """What the message says is a call that runs."""
    x, w, out = np.ones(SRC, sums), np.ones(WEI, sums), np.zeros((1, 5, 15, 12), out)
    message = f"out has dtype {out.dtype}, {MUST} {hint}"
    with refuses(TypeError, f"conv2d: {message}"):
        conv2d(x, w, out=out)
    _, found, words = hint.partition("pass ")
    more = " to prepare" if found else ""
    with refuses(TypeError, f"conv2d: {message}{more}"):
        prepare(w)(x, out)
    if found:
        said = eval(f"dict({words})", {"np": np})
        assert conv2d(x, w, out=out, **said) is out
        assert prepare(w, **said)(x, out) is out


def test_out_of_bfloat16():
    import ml_dtypes

    out = np.zeros((1, 5, 15, 12), ml_dtypes.bfloat16)
    with refuses(
        TypeError, f"conv2d: out has dtype bfloat16, {MUST} float64, or pass dtype='bfloat16'"
    ):
        conv2d(np.ones(SRC), np.ones(WEI), out=out)


# ---- plan --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [[1, 3, 17, 13], (1, 3.0, 17, 13), (1, True, 17, 13)])
def test_a_shape_is_a_tuple_of_integers(shape):
    message = f"is {shape!r}, {MUST} an array or a shape, which is a tuple of integers"
    with refuses(TypeError, f"conv2d: input {message}"):
        plan(conv2d, shape, WEI)
    with refuses(TypeError, f"conv2d: weight {message}"):
        plan(conv2d, SRC, shape)
    with refuses(TypeError, f"conv2d: input {message}"):
        plan(prepare(TAPS), shape)


def test_shapes_of_numpy_integers():
    assert plan(conv2d, tuple(np.array(SRC)), WEI) == plan(conv2d, SRC, WEI)


@pytest.mark.parametrize("wrong", [PHOTO, np.convolve, 3, None])
def test_what_is_no_operation(wrong):
    names = ", ".join(repr(function.__name__) for function in OPERATIONS)
    words = f"a function of fastconv or its name, one of {names}, or a layer"
    assert names.startswith("'conv1d', 'conv2d', 'conv3d', ")
    with pytest.raises(TypeError, match=f"^plan: operation is .*, {MUST} {words}$"):
        plan(wrong, TAPS)


def test_the_plan_of_a_layer_takes_no_weight():
    layer = prepare(TAPS)
    more = "; a layer has its weight already"
    for weight, message in [
        (TAPS.astype("i4"), f"out has shape {WEI}, {MUST} (1, 5, 15, 12)"),
        (TAPS, f"out has dtype int8, {MUST} int32, or pass dtype=np.int8 to prepare"),
        (WEI, f"out is a tuple, {MUST} a numpy.ndarray"),
    ]:
        with refuses((TypeError, ValueError), f"conv2d: {message}{more}"):
            plan(layer, PHOTO, weight)


# ---- layers ------------------------------------------------------------------------------------


def test_a_layer_does_not_change():
    layer = prepare(TAPS)
    with refuses(AttributeError, "PreparedConv: stride cannot be set, as a layer does not change"):
        layer.stride = 2
    with refuses(AttributeError, "PreparedConv: new cannot be set, as a layer does not change"):
        layer.new = 2
    with refuses(
        AttributeError, "PreparedConv: weight cannot be deleted, as a layer does not change"
    ):
        del layer.weight


def test_classes_that_users_do_not_call():
    for arguments in ((), (TAPS,), (TAPS, 1)):
        with refuses(TypeError, "PreparedConv: fastconv.prepare makes layers"):
            fastconv.PreparedConv(*arguments)
        with refuses(TypeError, "Plan: fastconv.plan makes plans"):
            fastconv.Plan(*arguments)
    with refuses(TypeError, "PreparedConv: fastconv.prepare makes layers"):
        fastconv.PreparedConv(TAPS, stride=2)


# ---- words -------------------------------------------------------------------------------------


def test_words_in_other_letters():
    with refuses(ValueError, "conv2d: algorithm is 'Direct', but its name here is 'direct'"):
        conv2d(PHOTO, TAPS, algorithm="Direct")
    with refuses(ValueError, "settings: isa is 'Generic', but its name here is 'generic'"):
        fastconv.settings(isa="Generic")
    with refuses(ValueError, "settings: algorithm is 'AUTO', but its name here is 'auto'"):
        fastconv.settings(algorithm="AUTO")
    code = "import os; os.environ['FASTCONV_ISA'] = 'GENERIC'\n" + FIRST
    code += "try:\n    fastconv.conv1d(x, w)\nexcept ValueError as error:\n    print(error)"
    assert run_python(code) == "FASTCONV_ISA is 'GENERIC', but its name here is 'generic'\n"
