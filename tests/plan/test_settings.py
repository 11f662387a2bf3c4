# SPDX-License-Identifier: BSD-3-Clause
"""Settings: who wins, what is inherited, and what stays in its thread or task."""

import asyncio
import contextlib
import contextvars
import os
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
from ways import ISAS

from fastconv._core import table
from fastconv._plan.algorithms import NAMES
from fastconv._plan.compare import isas
from fastconv._plan.settings import (
    Settings,
    check_environment,
    check_isa,
    current,
    default_threads,
    get_num_threads,
    read_environment,
    set_num_threads,
    settings,
)


@pytest.fixture(autouse=True)
def unset():
    """No environment, nothing set, in a test; after it what was there before."""
    read_environment({})
    yield
    read_environment(os.environ)
    check_environment(isas(), table.isas_compiled(), NAMES[1:])


def test_nothing_said():
    assert current() == Settings(None, None, None)
    assert get_num_threads() == default_threads() >= 1


def test_who_wins():
    read_environment(
        {"FASTCONV_NUM_THREADS": "2", "FASTCONV_ISA": "avx2", "FASTCONV_ALGORITHM": "direct"}
    )
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
    with settings(threads=7, algorithm="direct"), settings(isa="generic"):
        assert current() == (7, "generic", "direct")
        with settings(algorithm="reference"):
            assert current() == (7, "generic", "reference")
        assert current() == (7, "generic", "direct")
    with settings(isa="generic"):
        set_num_threads(3)
        assert current() == (3, "generic", None)
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
        with settings(isa="generic"):
            return await asyncio.gather(*map(run, range(1, 5)))

    assert asyncio.run(main()) == [(n, "generic", None) for n in range(1, 5)]


def test_a_copied_context_keeps_its_settings():
    with settings(threads=7):
        context = contextvars.copy_context()
    assert context.run(get_num_threads) == 7


def within(what, log=None):
    """A generator that holds `what` open."""
    with what:
        yield get_num_threads()
    if log is not None:
        log.append(get_num_threads())


def test_an_outer_one_is_left_first():
    log = []
    generator = within(settings(threads=7, isa="generic"), log)
    assert next(generator) == 7
    with settings(threads=5):
        assert current() == (5, "generic", None)
        assert list(generator) == []
        assert (log, current()) == ([5], (5, None, None))
        with settings(algorithm="direct"):
            assert current() == (5, None, "direct")
    assert current() == Settings()


def test_one_object_left_out_of_order():
    """Each `with` takes away its own, not the last one of the same object."""
    seven = settings(threads=7)
    generator = within(seven)
    next(generator)
    with settings(threads=5), seven:
        generator.close()
        assert get_num_threads() == 7
    assert current() == Settings()
    with seven:
        generator = within(seven)
        next(generator)
        with settings(threads=5):
            generator.close()
            assert get_num_threads() == 5
        assert get_num_threads() == 7
    assert current() == Settings()


def test_many_generators_of_one_object():
    shared, others = settings(threads=7), [settings(threads=n) for n in (2, 3, 5)]
    generators = [within(what) for other in others for what in (shared, other)]
    assert [next(generator) for generator in generators] == [7, 2, 7, 3, 7, 5]
    for number, expected in ((5, 7), (0, 7), (4, 3), (2, 3), (3, 2), (1, None)):
        generators[number].close()
        assert current().threads == expected


def test_a_generator_that_another_thread_closes():
    """In a context of its own: a setting stays in force, where nobody leaves it."""
    contextvars.copy_context().run(close_in_another_thread)


def close_in_another_thread():
    seven = settings(threads=7)
    generators = [within(seven), within(seven)]
    for generator in generators:
        next(generator)

    def close():
        with settings(threads=5):
            generators[0].close()
            seen.append(get_num_threads())
            with seven:
                generators[1].close()
                seen.append(get_num_threads())

    seen = []
    thread = threading.Thread(target=close)
    thread.start()
    thread.join()
    assert seen == [5, 7]


def test_in_an_exit_stack():
    seven = settings(threads=7)
    with contextlib.ExitStack() as outer, contextlib.ExitStack() as inner:
        outer.enter_context(seven)
        inner.enter_context(settings(threads=5))
        inner.enter_context(seven)
        outer.close()
        inner.pop_all().close()
        assert current() == Settings()


@pytest.mark.parametrize("threads", [0, -1, 1025, 2.0, "2", True])
def test_refuses_threads(threads):
    for name, call in (("settings", settings), ("set_num_threads", set_num_threads)):
        message = f"{name}: threads is {threads!r}, but it must be an integer from 1 to 1024"
        with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
            call(threads)
    assert current() == Settings()


@pytest.mark.parametrize(
    ("argument", "names"), [("isa", ISAS), ("algorithm", ("auto", *NAMES[1:]))], ids=["isa", "alg"]
)
def test_refuses_names_at_once(argument, names):
    for wrong in ("avx9", "fast", "Gener", "", 3, [], np.zeros(3)):
        kind = ValueError if isinstance(wrong, str) else TypeError
        words = ", ".join(map(repr, names))
        message = f"settings: {argument} is {wrong!r}, but it must be one of {words}"
        message += " on this CPU" if argument == "isa" else ""
        with pytest.raises(kind, match=f"^{re.escape(message)}$"):
            settings(**{argument: wrong})
    for name in names:
        assert repr(settings(**{argument: name})) == f"settings({argument}={name!r})"


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
    read_environment(environ)
    assert current() == expected


@pytest.mark.parametrize("text", ["0", "-3", "two", "2.0", "1025", "9" * 50])
def test_refuses_environment(text):
    message = f"FASTCONV_NUM_THREADS is {text!r}, but it must be an integer from 1 to 1024"
    read_environment({"FASTCONV_NUM_THREADS": text})  # at import nobody would catch an error
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        current()


def test_environment_is_read_at_import():
    code = "from fastconv._plan.settings import current; print(current().threads)"
    run = {"capture_output": True, "text": True, "timeout": 60}
    command = [sys.executable, "-c", code]
    good = subprocess.run(command, env=os.environ | {"FASTCONV_NUM_THREADS": "3"}, **run)
    assert good.stdout == "3\n", good.stderr
    bad = subprocess.run(command, env=os.environ | {"FASTCONV_NUM_THREADS": "many"}, **run)
    assert "ValueError: FASTCONV_NUM_THREADS is 'many', but it must be an integer" in bad.stderr
    for name in ("NUM_THREADS", "ISA", "ALGORITHM"):
        command = [sys.executable, "-c", "import fastconv\nfastconv.conv1d([[1.0]], [[[1.0]]])"]
        bad = subprocess.run(command, env=os.environ | {f"FASTCONV_{name}": "many"}, **run)
        assert f"ValueError: FASTCONV_{name} is 'many'" in bad.stderr
        assert "line 2, in <module>" in bad.stderr, "the call says it"


def test_isa():
    usable, compiled = ("avx2", "generic"), ("avx512", "avx2", "generic")
    assert check_isa("generic", usable, compiled) == "generic"
    for name in ("sse9", "avx512"):
        message = f"isa is '{name}', but it must be one of 'avx2', 'generic' on this CPU"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            check_isa(name, usable, compiled)


def test_names_in_the_environment():
    known = ("avx2", "generic"), ("avx512", "avx2", "generic"), ("direct",)
    check_environment(*known)
    read_environment({"FASTCONV_ISA": "avx2", "FASTCONV_ALGORITHM": "auto"})
    check_environment(*known)
    assert current() == Settings(None, "avx2", "auto")
    settings(algorithm="direct")
    with pytest.raises(ValueError, match=r"'im2col_gemm', but it must be one of 'auto', 'direct'$"):
        settings(algorithm="im2col_gemm")

    def refused(**environ):
        read_environment(environ)
        check_environment(*known)  # at import nobody would catch an error
        with pytest.raises(ValueError, match=r"^FASTCONV_") as caught:
            current()
        return str(caught.value)

    assert refused(FASTCONV_ISA="sse9") == (
        "FASTCONV_ISA is 'sse9', but it must be one of 'avx2', 'generic' on this CPU"
    )
    assert refused(FASTCONV_ALGORITHM="fft") == (
        "FASTCONV_ALGORITHM is 'fft', but it must be one of 'auto', 'direct'"
    )
