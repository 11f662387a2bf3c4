# SPDX-License-Identifier: BSD-3-Clause
"""How much memory a call takes and keeps: scratch bounded by the caches, plans by their number."""

import numpy as np
import pytest
from programs import linux, measures_memory, python
from ways import ALGORITHMS

import fastconv
from fastconv._core import table
from fastconv._plan import machine

ISAS = table.isas_usable()

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


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(("src", "wei", "said"), LAYERS)
def test_planned_scratch_is_bounded_by_the_caches(src, wei, said, algorithm):
    for threads in (1, 2, 7):
        for isa in ISAS:
            with fastconv.settings(isa=isa, threads=threads, algorithm=algorithm):
                plan = fastconv.plan(CONV[len(src)], src, wei, **said)
            assert 0 < plan.scratch_bytes <= threads * machine.caches()["L2"] // 2


LARGE_LAYER = """
import resource, sys
import numpy as np, fastconv
from fastconv._plan import machine
from fastconv._core import scratch
x = np.ones((1, 64, 450, 450), np.float32)
w = np.ones((64, 64, 3, 3), np.float32)
out = np.ones((1, 64, 450, 450), np.float32)
small = fastconv.conv2d(x[:, :, :9, :9], w, threads=2)
scratch.drop()
bound = 2 * machine.caches()["L2"] // 2
for algorithm in sys.argv[1:]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    fastconv.conv2d(x, w, padding=1, out=out, algorithm=algorithm, threads=2)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert after - before <= bound + (2 << 20), (algorithm, after - before)
    assert 0 < scratch.kept() <= bound, scratch.kept()
"""


@linux
@measures_memory
def test_a_large_layer_takes_no_more_memory_than_a_small_one():
    python("-c", LARGE_LAYER, *ALGORITHMS)


MANY_SHAPES = """
import resource
import numpy as np, fastconv
from fastconv._plan import kept
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

calls(800)  # as much memory as is taken at one time
kept.forget()
before = taken()
calls(500)
assert 500 * 16 << 10 < kept.kept_bytes() <= kept.KEPT_BYTES
kept.forget()
assert taken() - before < 2 << 20, taken() - before
assert kept.kept_bytes() == 0
"""


@linux
@measures_memory
def test_many_shapes_leak_nothing():
    python("-c", MANY_SHAPES)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("wei", [(1, 1, 700, 650), (1, 1, 1, 300_001)])
def test_a_kernel_larger_than_the_caches(wei, algorithm):
    x = np.random.default_rng(1).standard_normal((1, 1, wei[2] + 1, wei[3] + 2), np.float32)
    w = np.random.default_rng(2).standard_normal(wei, np.float32)
    got = fastconv.conv2d(x, w, algorithm=algorithm)
    assert abs(got - fastconv.conv2d(x, w, algorithm="reference")).max() < 0.1


LONG_KERNELS = """
import resource
import numpy as np, fastconv

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

x = np.ones((1, 1, 6007), np.float32)
w = np.ones((1, 1, 5003), np.float32)
fastconv.conv1d(x, w, padding="full", threads=1)
before = peak()
for bad in (np.nan, np.inf):
    w[0, 0, 7] = bad
    fastconv.conv1d(x, w, padding="full", threads=1)
for layer in range(40):
    fastconv.plan(fastconv.conv1d, (1, 1, 30_000 + layer), (1, 1, 20_000 + layer), padding="full")
odd = np.ones((1, 1, 400_003, 2), np.float32)[..., ::2, 0]
fastconv.plan(fastconv.conv1d, np.ones((1, 1, 400_003), np.float32), odd, padding="full")
assert peak() - before < 24 << 20, peak() - before
"""


@linux
@measures_memory
def test_plans_of_long_kernels_take_little_memory():
    python("-c", LONG_KERNELS)
