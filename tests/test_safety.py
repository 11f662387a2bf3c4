# SPDX-License-Identifier: BSD-3-Clause
"""Memory: what is read and written, how much is taken, and what happens when it runs out.

What may end a process, or measures one, runs in a process of its own.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from programs import linux, measures_memory, python

import fastconv
from fastconv import machine
from fastconv.kernels import measure, scratch

ISAS = measure.isas_usable()
GUARDED = Path(__file__).with_name("guarded.py")

def free_memory():
    with open("/proc/meminfo", encoding="ascii") as file:
        lines = dict(line.split(":") for line in file)
    return int(lines["MemAvailable"].split()[0]) * 1024


# ---- only what is ours -------------------------------------------------------------------------


@linux
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("isa", ISAS)
def test_nothing_beside_the_arrays_is_touched(isa, dtype):
    seen = python(GUARDED, isa, dtype)
    for way in ("('direct', 'pixels')", "('im2col_gemm', 'pixels')", "('im2col_gemm', 'channels')"):
        assert way in seen


@pytest.mark.parametrize("algorithm", ["direct", "im2col_gemm"])
def test_scratch_is_written_before_it_is_read(algorithm):
    x = np.random.default_rng(1).standard_normal((2, 19, 23, 29), np.float32)
    w = np.random.default_rng(2).standard_normal((21, 19, 3, 3), np.float32)
    said = {"padding": (1, 2), "stride": (1, 2), "algorithm": algorithm}
    clean = fastconv.conv2d(x, w, **said)
    scratch.poison(True)
    try:
        for isa in ISAS:
            with fastconv.settings(isa=isa):
                poisoned = fastconv.conv2d(x, w, **said)
            assert np.isfinite(poisoned).all()
        assert np.array_equal(poisoned, clean)  # the last ISA is the default one
    finally:
        scratch.poison(False)


# ---- large arrays ------------------------------------------------------------------------------

FAR = """
import numpy as np, fastconv
rng = np.random.default_rng(0)
"""

MORE_THAN_2_31_BYTES = FAR + """
size = 560_000_003
x = np.zeros((1, 1, size), np.float32)
out = np.empty((1, 1, size), np.float32)
places = [0, 2**29 - 100, size - 300]
for place in places:
    x[..., place : place + 300] = rng.standard_normal(300)
for taps, algorithm in ((3, "direct"), (1, "im2col_gemm")):
    w = rng.standard_normal((1, 1, taps)).astype(np.float32)
    fastconv.conv1d(x, w, padding="same", out=out, algorithm=algorithm)
    for place in places:
        part = slice(max(0, place - 5), place + 305)
        expected = fastconv.conv1d(x[..., part], w, padding="same", algorithm="reference")
        inner = slice(0 if place == 0 else 5, None if place == places[-1] else -5)
        assert abs(out[..., part] - expected)[..., inner].max() < 1e-5, (taps, place)
"""

# Pages of zeros that nobody wrote take no memory: only the numbers that are met are real.
MORE_THAN_2_31_NUMBERS = FAR + """
size, stride, taps = 2**32 + 12345, 2**20 + 1, 5
x = np.zeros((1, 1, size), np.float32)
w = rng.standard_normal((3, 1, taps)).astype(np.float32)
outputs = (size - taps) // stride + 1
for i in range(outputs):
    x[0, 0, i * stride : i * stride + taps] = rng.standard_normal(taps)
near = np.stack([x[0, 0, i * stride : i * stride + taps] for i in range(outputs)])
for algorithm in ("direct", "im2col_gemm"):
    got = fastconv.conv1d(x, w, stride=stride, algorithm=algorithm)
    assert abs(got[0] - w[:, 0] @ near.T).max() < 1e-5
    back = fastconv.conv1d(x[..., ::-1], w, stride=stride, algorithm=algorithm)
    assert back.shape == got.shape
"""


@linux
@measures_memory
@pytest.mark.skipif(free_memory() < 8 << 30, reason="needs 8 GB of free memory")
def test_more_than_2_31_bytes():
    python("-c", MORE_THAN_2_31_BYTES)


@linux
@measures_memory
def test_more_than_2_31_numbers():
    python("-c", MORE_THAN_2_31_NUMBERS)


# ---- no memory left ----------------------------------------------------------------------------

NO_MEMORY = """
import resource
import numpy as np, fastconv
from fastconv.kernels import scratch

def taken():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()

def refused(function, room):
    resource.setrlimit(resource.RLIMIT_AS, (taken() + room, hard))
    try:
        function()
    except MemoryError:
        return True
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    return False

soft, hard = resource.getrlimit(resource.RLIMIT_AS)
x = np.ones((1, 64, 60, 60), np.float32)
w = np.ones((64, 64, 3, 3), np.float32)
wide = np.ones((4096, 64, 1, 1), np.float32)
out = np.empty((1, 64, 58, 58), np.float32)
fastconv.conv2d(x, w, threads=2)                                  # OpenMP has its threads
assert refused(lambda: fastconv.conv2d(x, wide, threads=2), 1 << 20), "the output"
fastconv.conv2d(x, w, out=out, threads=1)                         # planned
prepared = fastconv.prepare(w)
prepared(x, out=out)
scratch.drop()
before = taken()
hoard = []                                                        # what malloc still has
def starved(function):
    def run():
        try:
            for size in (1 << 18, 1 << 14, 1 << 10):
                while True:
                    hoard.append(bytearray(size))
        except MemoryError:
            function()
    return run
for _ in range(50):
    assert refused(starved(lambda: fastconv.conv2d(x, w, out=out, threads=1)), 1 << 18), "scratch"
    assert refused(starved(lambda: prepared(x, out=out)), 1 << 18), "scratch"
    hoard.clear()
assert (fastconv.conv2d(x, w, out=out, threads=2) == 64 * 9).all()
assert (prepared(x) == 64 * 9).all()
assert (fastconv.conv2d(x, wide) == 64).all()
scratch.drop()
assert taken() - before < 8 << 20, taken() - before
"""


@linux
@measures_memory
def test_memory_error_and_then_on():
    python("-c", NO_MEMORY, MALLOC_ARENA_MAX="1")


# ---- Ctrl-C ------------------------------------------------------------------------------------

LONG_CALL = """
import sys, time
import numpy as np, fastconv
from fastconv.kernels import scratch
x = np.ones((1, 256, 62, 62), np.float32)
many = np.broadcast_to(x, (1000, *x.shape[1:]))
w = np.ones((256, 256, 7, 7), np.float32)
out = np.empty((1000, 256, 56, 56), np.float32)
fastconv.conv2d(x, w, threads=2)
print("begin", flush=True)
try:
    fastconv.conv2d(many, w, out=out, threads=int(sys.argv[1]), algorithm=sys.argv[2])
except KeyboardInterrupt:
    print("interrupted", flush=True)
assert (fastconv.conv2d(x, w, threads=2) == 256 * 49).all()
assert scratch.kept() > 0               # the scratch of the call came back
print("end", flush=True)
"""


@linux
@pytest.mark.parametrize("algorithm", ["direct", "im2col_gemm"])
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c(threads, algorithm):
    command = [sys.executable, "-c", LONG_CALL, str(threads), algorithm]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "begin\n"
            time.sleep(0.7)
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted\n"
            waited = time.monotonic() - begin
            assert process.stdout.readline() == "end\n"
            assert process.wait(60) == 0
        finally:
            process.kill()
    assert waited < 2, f"{waited:.1f} s"


# ---- how much ----------------------------------------------------------------------------------

LAYERS = [
    ((1, 64, 224, 224), (64, 64, 3, 3), {"padding": 1}),
    ((1, 512, 14, 14), (512, 512, 3, 3), {"padding": 1}),
    ((1, 1024, 56, 56), (64, 1024, 1, 1), {}),
    ((1, 3, 1024, 1024), (16, 3, 11, 11), {"stride": 2, "padding": 5}),
    ((1, 16, 400, 400), (32, 16, 3, 3), {"dilation": 12, "padding": 12}),
    ((1, 32, 40, 40, 40), (32, 32, 3, 3, 3), {"padding": 1}),
    ((1, 64, 200_000), (64, 64, 9), {}),
]
CONV = {3: fastconv.conv1d, 4: fastconv.conv2d, 5: fastconv.conv3d}


@pytest.mark.parametrize("algorithm", ["direct", "im2col_gemm"])
@pytest.mark.parametrize(("src", "wei", "said"), LAYERS)
def test_planned_scratch_is_bounded_by_the_caches(src, wei, said, algorithm):
    for threads in (1, 2, 7):
        for isa in ISAS:
            with fastconv.settings(isa=isa, threads=threads, algorithm=algorithm):
                plan = fastconv.plan(CONV[len(src)], src, wei, **said)
            assert 0 < plan.scratch_bytes <= threads * machine.caches()["L2"] // 2


LARGE_LAYER = """
import resource
import numpy as np, fastconv
from fastconv import machine
from fastconv.kernels import scratch
x = np.ones((1, 64, 450, 450), np.float32)
w = np.ones((64, 64, 3, 3), np.float32)
out = np.ones((1, 64, 450, 450), np.float32)
small = fastconv.conv2d(x[:, :, :9, :9], w, threads=2)
scratch.drop()
bound = 2 * machine.caches()["L2"] // 2
for algorithm in ("direct", "im2col_gemm"):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    fastconv.conv2d(x, w, padding=1, out=out, algorithm=algorithm, threads=2)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert after - before <= bound + (2 << 20), (algorithm, after - before)
    assert 0 < scratch.kept() <= bound, scratch.kept()
"""


@linux
@measures_memory
def test_a_large_layer_takes_no_more_memory_than_a_small_one():
    python("-c", LARGE_LAYER)


MANY_SHAPES = """
import resource, sys
import numpy as np, fastconv
functional = sys.modules["fastconv.functional"]
rng = np.random.default_rng(3)

def taken():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

def calls(number):
    for _ in range(number):
        c, o, h, w, k = rng.integers(1, 24, 5)
        k = min(k, h, w, 5)
        x = np.ones((1, c, h, w), np.float32)
        weight = np.ones((o, c, k, k), np.float32)
        padding = int(rng.integers(0, 2))
        y = fastconv.conv2d(x, weight, np.ones(o), padding=padding)
        fastconv.prepare(weight, padding=padding)(x, out=y)
        weight[0, 0, 0, 0] = np.inf
        fastconv.conv2d(x, weight, padding=padding, threads=1)
        try:
            fastconv.conv2d(x, weight, out=y[..., :-1], padding=padding)
        except (TypeError, ValueError):
            pass

calls(500)
before = taken()
calls(1500)
assert taken() - before < 6 << 20, taken() - before
assert len(functional._plans) <= functional.PLANS_KEPT
"""


@linux
@measures_memory
def test_many_shapes_leak_nothing():
    python("-c", MANY_SHAPES)
