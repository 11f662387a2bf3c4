# SPDX-License-Identifier: BSD-3-Clause
"""Settings: who wins, what is inherited, and what stays in its thread or task."""

import asyncio
import contextvars
import os
import re
import subprocess
import sys
import threading

import pytest

from fastconv.settings import (
    Settings,
    _cgroup_cpus,
    _from_environment,
    _omp_num_threads,
    check_environment,
    check_isa,
    current,
    default_threads,
    get_num_threads,
    set_num_threads,
    settings,
)

module = sys.modules["fastconv.settings"]  # the attribute of that name is the class


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    """No environment, nothing set: neither before a test nor after it."""
    monkeypatch.setattr(module, "_environment", Settings())
    set_num_threads(None)
    yield
    monkeypatch.undo()
    set_num_threads(None)


def test_nothing_said():
    assert current() == Settings(None, None, None)
    assert get_num_threads() == default_threads() >= 1


def test_who_wins(monkeypatch):
    monkeypatch.setattr(module, "_environment", Settings(2, "avx2", "direct"))
    set_num_threads(None)
    assert current() == (2, "avx2", "direct")
    set_num_threads(3)
    assert current() == (3, "avx2", "direct")
    with settings(threads=5):
        assert current() == (5, "avx2", "direct")
        set_num_threads(4)
        assert get_num_threads() == 5
    assert get_num_threads() == 4
    set_num_threads(None)
    assert get_num_threads() == 2


def test_an_unset_field_is_inherited():
    with settings(threads=7, isa="generic"), settings(algorithm="direct"):
        assert current() == (7, "generic", "direct")
        with settings(isa="avx2"):
            assert current() == (7, "avx2", "direct")
        assert current() == (7, "generic", "direct")
    with settings(isa="avx2"):
        set_num_threads(3)
        assert current() == (3, "avx2", None)
    assert current() == (3, None, None)


def test_is_undone_by_an_error():
    with pytest.raises(KeyError), settings(threads=7):
        raise KeyError
    assert current().threads is None


def test_one_object_again_and_inside_itself():
    seven = settings(threads=7)
    with seven, seven:
        assert get_num_threads() == 7
    assert current().threads is None
    with seven:
        assert get_num_threads() == 7
    assert repr(seven) == "settings(threads=7)"


def test_decorator():
    @settings(threads=7)
    def threads(depth):
        """Docs."""
        return get_num_threads() if depth == 0 else threads(depth - 1)

    assert threads(3) == 7
    assert current().threads is None
    assert (threads.__name__, threads.__doc__) == ("threads", "Docs.")


def test_decorates_no_function_that_runs_later():
    async def task(): ...

    def generator():
        yield

    for function in (task, generator):
        with pytest.raises(
            TypeError, match=f"^settings: {function.__name__} runs after its call returns"
        ):
            settings(threads=7)(function)


def test_threads_do_not_see_each_other():
    seen, barrier, shared = {}, threading.Barrier(4), settings(isa="generic")

    def run(number):
        with settings(threads=number), shared:
            barrier.wait()
            seen[number] = current()
            barrier.wait()
        seen[-number] = current()

    with settings(threads=9):
        workers = [threading.Thread(target=run, args=(n,)) for n in range(1, 5)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert current() == (9, None, None)
    assert all(seen[n] == (n, "generic", None) for n in range(1, 5))
    assert all(seen[-n] == Settings() for n in range(1, 5))


def test_tasks_do_not_see_each_other():
    async def run(number):
        with settings(threads=number):
            await asyncio.sleep(0.001 * (5 - number))
            return current()

    async def main():
        with settings(isa="avx2"):
            return await asyncio.gather(*map(run, range(1, 5)))

    assert asyncio.run(main()) == [(n, "avx2", None) for n in range(1, 5)]


def test_a_copied_context_keeps_its_settings():
    with settings(threads=7):
        context = contextvars.copy_context()
    assert context.run(get_num_threads) == 7


@pytest.mark.parametrize("threads", [0, -1, 1025, 2.0, "2", True])
def test_refuses_threads(threads):
    for name, call in (("settings", settings), ("set_num_threads", set_num_threads)):
        message = f"{name}: threads has {threads!r}, an integer from 1 to 1024 is needed"
        with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
            call(threads)
    assert current() == Settings()


@pytest.mark.parametrize("argument", ["isa", "algorithm"])
def test_refuses_names_of_another_type(argument):
    with pytest.raises(TypeError, match=f"^settings: {argument} is 3, a name or None is needed$"):
        settings(**{argument: 3})


# ---- the environment


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, Settings()),
        ({"FASTCONV_NUM_THREADS": "", "FASTCONV_ISA": " "}, Settings()),
        ({"FASTCONV_NUM_THREADS": " 12 "}, Settings(threads=12)),
        (
            {"FASTCONV_ISA": "avx2", "FASTCONV_ALGORITHM": "direct"},
            Settings(None, "avx2", "direct"),
        ),
    ],
)
def test_environment(environ, expected):
    assert _from_environment(environ) == expected


@pytest.mark.parametrize("text", ["0", "-3", "two", "2.0", "1025", "9" * 50])
def test_refuses_environment(text):
    message = f"FASTCONV_NUM_THREADS is {text!r}, an integer from 1 to 1024 is needed"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _from_environment({"FASTCONV_NUM_THREADS": text})


def test_environment_is_read_at_import():
    code = "from fastconv.settings import current; print(current().threads)"
    run = {"capture_output": True, "text": True, "timeout": 60}
    command = [sys.executable, "-c", code]
    good = subprocess.run(command, env=os.environ | {"FASTCONV_NUM_THREADS": "3"}, **run)
    assert good.stdout == "3\n", good.stderr
    bad = subprocess.run(command, env=os.environ | {"FASTCONV_NUM_THREADS": "many"}, **run)
    assert "ValueError: FASTCONV_NUM_THREADS is 'many', an integer" in bad.stderr
    for name in ("NUM_THREADS", "ISA", "ALGORITHM"):
        command = [sys.executable, "-c", "import fastconv\nfastconv.conv1d([[1.0]], [[[1.0]]])"]
        bad = subprocess.run(command, env=os.environ | {f"FASTCONV_{name}": "many"}, **run)
        assert f"ValueError: FASTCONV_{name} is 'many'" in bad.stderr
        assert "line 2, in <module>" in bad.stderr, "the call says it"


def test_isa():
    usable, compiled = ("avx2", "generic"), ("avx512", "avx2", "generic")
    assert check_isa("generic", usable, compiled) == "generic"
    for name, but in (("sse9", ""), ("avx512", ", which is compiled but not usable on this CPU")):
        listed = "one of avx2, generic is needed (compiled: avx512, avx2, generic)"
        message = f"isa is '{name}'{but}; {listed}"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            check_isa(name, usable, compiled)


def test_names_in_the_environment(monkeypatch):
    known = ("avx2", "generic"), ("avx512", "avx2", "generic"), ("direct",)
    check_environment(*known)
    monkeypatch.setattr(module, "_environment", Settings(None, "avx2", "auto"))
    check_environment(*known)
    assert current() == Settings()

    def refused(environment):
        monkeypatch.setattr(module, "_environment", environment)
        monkeypatch.setattr(module, "_refused", None)
        check_environment(*known)  # at import nobody would catch an error
        with pytest.raises(ValueError, match=r"^FASTCONV_") as caught:
            current()
        return str(caught.value)

    assert refused(Settings(isa="sse9")).startswith(
        "FASTCONV_ISA is 'sse9'; one of avx2, generic is needed"
    )
    assert refused(Settings(algorithm="fft")) == (
        "FASTCONV_ALGORITHM is 'fft'; one of auto, direct is needed"
    )


# ---- the default number of threads


def test_default_threads_is_bounded_by_the_affinity():
    if hasattr(os, "sched_getaffinity"):
        assert default_threads() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize("text", ["1", "1,4", " 1 , 2"])
def test_omp_num_threads(text):
    code = "from fastconv.settings import default_threads; print(default_threads())"
    command = [sys.executable, "-c", code]
    environ = os.environ | {"OMP_NUM_THREADS": text}
    run = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert run.stdout == "1\n", run.stderr


@pytest.mark.parametrize("text", ["", "many", "0", "-2", "1.5"])
def test_omp_num_threads_is_deaf_to_nonsense(text):
    assert _omp_num_threads({"OMP_NUM_THREADS": text}) is None


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
    assert _cgroup_cpus(str(tmp_path)) == cpus


def test_cgroup_without_files(tmp_path):
    assert _cgroup_cpus(str(tmp_path)) is None
