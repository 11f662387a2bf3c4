# SPDX-License-Identifier: BSD-3-Clause
"""Vectors are computed as a whole, and some of their lanes nobody wants. Those must hold no
subnormal numbers: CPUs may take a hundred times as long for one. Scratch that held integers is full
of them."""

import ctypes
import platform
import sys
from random import Random

import numpy as np
import pytest
from ways import ISAS

import fastconv
from fastconv._core import scratch

if sys.platform != "linux" or platform.machine() != "x86_64":
    pytest.skip(
        "needs the flags of x86 as the C library of Linux tells them", allow_module_level=True
    )

MXCSR, SUBNORMAL = 7, 2  # a word of what fegetenv writes, and its flag

ALGORITHMS = "auto", "direct", "im2col_gemm", "grouped", "depthwise"

libm = ctypes.CDLL("libm.so.6")


def meets_subnormals(call):
    """Whether any was read since the call began, in this thread."""
    found = (ctypes.c_uint32 * 16)()
    libm.fesetenv(ctypes.c_void_p(-1))  # the default: no flag is set
    call()
    libm.fegetenv(found)
    return bool(found[MXCSR] & SUBNORMAL)


@pytest.fixture(autouse=True)
def full_of_integers():
    scratch.poison(True, 1)  # of 32 and of 64 bits: as float32 and float64 both are subnormal
    yield
    scratch.poison(False)


def test_a_subnormal_number_is_noticed():
    ones = np.ones((1, 3, 37), "f4")
    assert not meets_subnormals(lambda: fastconv.conv1d(ones, ones[..., :5], threads=1))
    assert meets_subnormals(lambda: fastconv.conv1d(ones * 1e-40, ones[..., :5], threads=1))


def drawn(random):
    """(operation, arrays, keywords)."""
    rank = random.choice([1, 2, 2, 3])
    size = [random.choice([5, 7, 9, 13, 17, 31][: 4 if rank == 3 else 6]) for _ in range(rank)]
    kernel = [random.choice([1, 2, 3, 4, 5, 7]) for _ in range(rank)]
    kernel = [min(k, n) for k, n in zip(kernel, size, strict=True)]
    groups, last = random.choice([1, 1, 2, 3, 5, 17, 24]), random.random() < 0.5
    channels = groups * random.choice([1, 1, 2, 3, 5])
    batch = (random.choice([1, 2]),)
    dtype = random.choice(["f4", "f4", "f8", "f2", "i1", "i2", "c8"])
    said = {"stride": random.choice([1, 1, 2, 3]), "channels_last": last, "groups": groups}
    kind = random.choice(["conv", "conv", "conv", "transpose", "local", "separable", "filter"])
    outputs = groups * random.choice([1, 1, 2, 3, 7, 20])
    operation, x = f"conv{rank}d", (*batch, *size, channels) if last else (*batch, channels, *size)
    weights = [(outputs, channels // groups, *kernel)]
    if kind == "conv":
        said["padding"] = random.choice([0, 1, "full"])
        said["padding_mode"] = random.choice(["constant", "edge"])
        if random.random() < 0.5:
            said["activation"] = random.choice(["relu", "relu6", None])
            said["activation"] = None if dtype[0] == "c" else said["activation"]
    elif kind == "transpose":
        operation = f"conv_transpose{rank}d"
        weights = [(channels, outputs // groups, *kernel)]
    elif kind == "local":
        operation = f"local_conv{rank}d"
        steps = [(n - k) // said["stride"] + 1 for n, k in zip(size, kernel, strict=True)]
        weights = [(*steps, outputs, channels // groups, *kernel)]
    elif kind == "separable":
        operation = f"depthwise_separable_conv{rank}d"
        said = {"stride": said["stride"], "channels_last": last, "padding": 1}
        weights = [(channels, 1, *kernel), (outputs, channels)]
    else:
        operation, x, weights = "filter_nd", (*size, 3)[: rank + random.choice([0, 1])], [kernel]
        said = {"stride": said["stride"]}
    made = np.random.default_rng(random.randrange(99))
    arrays = [made.integers(1, 9, shape).astype(dtype) for shape in (x, *weights)]
    return operation, arrays, said


def calls_of(function, x, weights, said):
    """One call, and one of a layer; none where the algorithm is not for these shapes."""
    try:
        layer = fastconv.prepare(function, *weights, **said)
        layer(x)
    except ValueError as error:
        if "algorithm is" in str(error):
            return ()
        raise
    return (lambda: function(x, *weights, **said)), (lambda: layer(x))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("seed", range(4))
def test_none_are_multiplied(isa, seed):
    random = Random(f"{isa} {seed}")
    with fastconv.settings(isa=isa, threads=1):
        for _ in range(120):
            operation, (x, *weights), said = drawn(random)
            function = getattr(fastconv, operation)
            for algorithm in ALGORITHMS:
                said["algorithm"] = algorithm
                calls = calls_of(function, x, weights, said)
                assert not any(map(meets_subnormals, calls)), (operation, x.shape, said)
