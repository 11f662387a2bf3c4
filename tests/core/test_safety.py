# SPDX-License-Identifier: BSD-3-Clause
"""What is read and written, at any size, and what happens when memory runs out or Ctrl-C comes.

What may end a process, or measures one, runs in a process of its own.
"""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from programs import guarded, linux, measures_memory, python
from ways import ALGORITHMS, ISAS, WAYS

import fastconv
from fastconv._core import scratch
from fastconv._plan import algorithms


def free_memory():
    with open("/proc/meminfo", encoding="ascii") as file:
        lines = dict(line.split(":") for line in file)
    return int(lines["MemAvailable"].split()[0]) * 1024


# ---- only what is ours -------------------------------------------------------------------------


@linux
@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "c8"])
@pytest.mark.parametrize("isa", ISAS)
def test_nothing_beside_the_arrays_is_touched(isa, dtype):
    seen = guarded(isa, dtype)
    assert all(str(way) in seen for way in WAYS)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_scratch_is_written_before_it_is_read(algorithm):
    x = np.random.default_rng(1).standard_normal((2, 19, 23, 29), np.float32)
    w = np.random.default_rng(2).standard_normal((21, 19, 3, 3), np.float32)
    said = {"padding": (1, 2), "stride": (1, 2), "algorithm": algorithm}
    clean = {}
    for isa in ISAS:
        with fastconv.settings(isa=isa):
            clean[isa] = fastconv.conv2d(x, w, **said)
    scratch.poison(True)
    try:
        for isa in ISAS:
            with fastconv.settings(isa=isa):
                assert np.array_equal(fastconv.conv2d(x, w, **said), clean[isa])
    finally:
        scratch.poison(False)


# ---- large arrays ------------------------------------------------------------------------------

FAR = """
import numpy as np, fastconv
rng = np.random.default_rng(0)
"""

MORE_THAN_2_31_BYTES = (
    FAR
    + """
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
)

# Pages of zeros that nobody wrote take no memory: only the numbers that are met are real.
MORE_THAN_2_31_NUMBERS = (
    FAR
    + """
import mmap
size, stride, taps = 2**32 + 12345, 2**20 + 1, 5
memory = mmap.mmap(-1, 4 * size)
memory.madvise(mmap.MADV_NOHUGEPAGE)
x = np.frombuffer(memory, np.float32).reshape(1, 1, size)
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
)


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
from fastconv._core import scratch

def taken():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()

def refused(function, limit):
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
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
assert refused(lambda: fastconv.conv2d(x, wide, threads=2), taken() + (1 << 20)), "the output"
fastconv.conv2d(x, w, out=out, threads=1)                         # planned
prepared = fastconv.prepare(w)
prepared(x, out=out)
scratch.drop()
before = taken()
limit = before + (1 << 18)
hoard, hoarded = [], []                                           # what malloc still has
def starved(function):
    def run():
        for size in (1 << 18, 1 << 14, 1 << 10):
            try:
                while True:
                    hoard.append(bytearray(size))
            except MemoryError:
                pass
        hoarded.append(sum(map(len, hoard)))
        function()
    return run
for _ in range(50):
    assert refused(starved(lambda: fastconv.conv2d(x, w, out=out, threads=1)), limit), "scratch"
    hoard.clear()
    assert refused(starved(lambda: prepared(x, out=out)), limit), "scratch"
    hoard.clear()
assert min(hoarded[-20:]) > max(hoarded[:20]) - (1 << 16), ("what is refused is not kept", hoarded)
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
import signal, sys, time
import numpy as np, fastconv
from fastconv._core import scratch
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
x = np.ones((1, 256, 62, 62), np.float32)
many = np.broadcast_to(x, (1000, *x.shape[1:]))
w = np.ones((256, 256, 7, 7), np.float32)
out = np.empty((1000, 256, 56, 56), np.float32)
call = {
    "conv2d": lambda x, **said: fastconv.conv2d(x, w, **said),
    "lp_pool2d": lambda x, **said: fastconv.lp_pool2d(x, 3, 7, 1, **said),
}[sys.argv[1]]
before = call(x, threads=2)
print("begin", flush=True)
try:
    call(many, out=out, threads=int(sys.argv[2]), algorithm=sys.argv[3])
except KeyboardInterrupt:
    print("interrupted", flush=True)
assert (call(x, threads=2) == before).all()
assert scratch.kept() > 0               # the scratch of the call came back
print("end", flush=True)
"""


@linux
@pytest.mark.parametrize(
    ("op", "algorithm"),
    [
        *(("conv2d", algorithm) for algorithm in ALGORITHMS),
        ("lp_pool2d", "direct"),
        ("lp_pool2d", "separable"),
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c(threads, op, algorithm):
    command = [sys.executable, "-c", LONG_CALL, op, str(threads), algorithm]
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


@pytest.mark.parametrize(
    "said", [{}, {"activation": "gelu"}, {"dtype": "u1", "overflow": "saturate"}]
)
def test_signals_are_looked_at_where_multiplications_are_few(said):
    """A hundred million pixels take one multiplication each, but much longer to convert."""
    shape = (1, 1, 10007, 10007)
    x = np.broadcast_to(np.float32(1), shape)
    plan = fastconv.plan(fastconv.conv2d, x, np.ones((1, 1, 1, 1), "f4"), threads=2, **said)
    assert algorithms.chunk(plan.spec, plan.tasks, plan.threads) * 10 < plan.tasks


def test_signals_are_looked_at_while_weights_are_prepared():
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    try:
        weight = np.ones((4001, 1, 1, 1), "f4")  # output channels that share memory are copied once
        fastconv.prepare(np.broadcast_to(weight, (4001, 3, 83, 79)))
        assert len(seen) > 9
        del seen[:]
        odd = np.broadcast_to(np.float32(1), (79, 83, 4001, 3)).transpose(2, 3, 1, 0)
        fastconv.prepare(odd)(np.ones((1, 3, 83, 79), "f4"))
        assert len(seen) > 9
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
