# SPDX-License-Identifier: BSD-3-Clause
"""How many threads there are when nobody says."""

import os
import subprocess
import sys

import pytest
from programs import python

from fastconv._plan.settings import (
    assuming_threads,
    cgroup_cpus,
    default_threads,
    omp_num_threads,
)


def test_default_threads_is_bounded_by_the_affinity():
    if hasattr(os, "sched_getaffinity"):
        assert default_threads() <= len(os.sched_getaffinity(0))


def test_default_threads_is_that_of_the_process_and_not_of_a_thread_that_openmp_bound():
    code = "import fastconv; print(fastconv.get_num_threads())"
    free = {"unset": ("OMP_PROC_BIND", "OMP_PLACES", "FASTCONV_NUM_THREADS")}
    for binding in ({"OMP_PROC_BIND": "true"}, {"OMP_PLACES": "cores"}, {"OMP_PROC_BIND": "close"}):
        unset = [name for name in free["unset"] if name not in binding]
        assert python("-c", code, unset=unset, **binding) == python("-c", code, **free), binding
    if hasattr(os, "sched_getaffinity"):
        one = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);" + code
        assert python("-c", one, **free) == "1\n"


@pytest.mark.parametrize("text", ["1", "1,4", " 1 , 2"])
def test_omp_num_threads(text):
    code = "from fastconv._plan.settings import default_threads; print(default_threads())"
    command = [sys.executable, "-c", code]
    environ = os.environ | {"OMP_NUM_THREADS": text}
    run = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert run.stdout == "1\n", run.stderr


@pytest.mark.parametrize("text", ["", "many", "0", "-2", "1.5"])
def test_omp_num_threads_is_deaf_to_nonsense(text):
    assert omp_num_threads({"OMP_NUM_THREADS": text}) is None


@pytest.mark.parametrize(
    ("groups", "files", "cpus"),
    [
        ("0::/\n", {}, None),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/a/b\n", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000"}, 3),
        ("0::/a/b\n", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "50000 100000"}, 1),
        ("0::/elsewhere\n", {"cpu.max": "400000 100000"}, 4),
        (
            "3:memory:/a\n2:cpu,cpuacct:/a\n0::/a\n",
            {"cpu/a/cpu.cfs_quota_us": "250000", "cpu/a/cpu.cfs_period_us": "100000"},
            3,
        ),
        (
            "2:cpuacct,cpu:/a\n",
            {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"},
            None,
        ),
        ("2:cpuset:/a\n", {"cpu/cpu.cfs_quota_us": "1", "cpu/cpu.cfs_period_us": "1"}, None),
    ],
)
def test_cgroup(tmp_path, groups, files, cpus):
    written = {"proc/self/cgroup": groups} | {f"sys/fs/cgroup/{k}": v for k, v in files.items()}
    for name, text in written.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert cgroup_cpus(str(tmp_path)) == cpus


def test_cgroup_without_files(tmp_path):
    assert cgroup_cpus(str(tmp_path)) is None


def test_an_assumed_number_holds_inside_only():
    real = default_threads()
    with assuming_threads(real + 7):
        assert default_threads() == real + 7
    assert default_threads() == real
