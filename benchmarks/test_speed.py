# SPDX-License-Identifier: BSD-3-Clause
"""The cases of `fastconv bench` for pytest-benchmark: pytest benchmarks --benchmark-autosave."""

import numpy as np
import pytest

from fastconv._plan.settings import default_threads
from fastconv.benchmarks.cases import CASES, TOLERANCE
from fastconv.benchmarks.operands import operands, truth
from fastconv.benchmarks.rivals import OURS

pytest.importorskip("pytest_benchmark")


@pytest.mark.parametrize("way", OURS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_speed(benchmark, case, way):
    x, w, b = operands(case)
    call = OURS[way](default_threads()).build(case, x, w, b, np.inf)
    expected = truth(case, x, w, b)
    assert np.abs(call() - expected).max() <= TOLERANCE[case.dtype] * np.abs(expected).max()
    benchmark.extra_info["gflop"] = case.flops / 1e9
    benchmark(call)
