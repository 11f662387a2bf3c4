# SPDX-License-Identifier: BSD-3-Clause
"""Threads, ISA and algorithm when a call does not say.

What is nearer to the call wins: an argument of the call (``algorithm="auto"`` says nothing), then
``with settings(...)`` (nested ones inherit what they leave unset), then `set_num_threads`, then the
environment, then the default. The environment is read once, at import; a wrong value there is an
error of every call, not of the import, so that the command line can report it:

    FASTCONV_NUM_THREADS    1, 2, ...
    FASTCONV_ISA            a name that ``fastconv info`` lists as usable
    FASTCONV_ALGORITHM      auto, or an algorithm by name
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ContextDecorator, contextmanager, suppress
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar

from .._core import measure, table
from .._spec.arguments import THREADS_MAX, check_algorithm, check_threads
from .._spec.values import show, word_needed

NUM_THREADS = "FASTCONV_NUM_THREADS"
ISA = "FASTCONV_ISA"
ALGORITHM = "FASTCONV_ALGORITHM"


Function = TypeVar("Function", bound=Callable[..., Any])


class Settings(NamedTuple):
    """What is in force; None is "not said"."""

    threads: int | None = None
    isa: str | None = None
    algorithm: str | None = None


def _from_environment(environ: Mapping[str, str]) -> Settings:
    number, isa, algorithm = (
        environ.get(name, "").strip() or None for name in (NUM_THREADS, ISA, ALGORITHM)
    )
    try:
        threads = None if number is None else check_threads(NUM_THREADS, int(number))
    except ValueError as error:
        needed = f"but it must be an integer from 1 to {THREADS_MAX}"
        raise ValueError(f"{NUM_THREADS} is {show(number)}, {needed}") from error
    return Settings(threads, isa, algorithm)


_environment = Settings()
_refused: str | None = None  # what is wrong in the environment
_process = _environment  # replaced as a whole, so that a reader never sees a half
_algorithms: tuple[str, ...] = ()  # all that exist; said by `check_environment`, at import


def read_environment(environ: Mapping[str, str]) -> None:
    """Let these variables say what holds in the process; at import, and in tests with others."""
    global _environment, _process, _refused
    try:
        _environment, _refused = _from_environment(environ), None
    except ValueError as error:
        _environment, _refused = Settings(), str(error)
    _process = _environment


read_environment(os.environ)


class Entry(NamedTuple):
    """One `with settings(...)` that is not left yet."""

    owner: settings
    frame: int  # id of the frame that entered: one object may be entered more than once
    said: Settings


class Entries(NamedTuple):
    """Those of one thread or task, the innermost last, and what they say together."""

    entries: tuple[Entry, ...] = ()
    total: Settings = Settings()


NONE = Entries()
_entered: ContextVar[Entries] = ContextVar("fastconv.settings", default=NONE)


def _over(inner: Settings, outer: Settings) -> Settings:
    """`inner` where it says something, else `outer`."""
    return outer._replace(**{k: v for k, v in inner._asdict().items() if v is not None})


_over_cached = functools.lru_cache(maxsize=64)(_over)


def current() -> Settings:
    """The settings in force in this thread or task."""
    if _refused is not None:
        raise ValueError(_refused)
    entered = _entered.get()
    return _over_cached(entered.total, _process) if entered.entries else _process


def _enter(entries: tuple[Entry, ...]) -> None:
    """Put these in force in this thread or task."""
    total = functools.reduce(lambda outer, entry: _over(entry.said, outer), entries, Settings())
    _entered.set(Entries(entries, total))


class settings(ContextDecorator):
    """Set threads, ISA or algorithm for the calls inside, in this thread or asyncio task only.

    A context manager, which can be used more than once, and a decorator of functions.

    threads
        an integer from 1 to 1024.
    isa
        'generic', 'avx2' or 'avx512': one that this CPU can run.
    algorithm
        'auto', 'direct', 'im2col_gemm', 'depthwise', 'grouped', 'phases', 'separable', 'fft',
        'bands', 'local' or 'reference'. An operation that has no algorithm of this name chooses as
        before.

    None leaves a setting as it is outside. Raises TypeError or ValueError for other values.

    >>> from fastconv import settings, get_num_threads
    >>> with settings(threads=3):
    ...     get_num_threads()
    3
    """

    def __init__(
        self, threads: int | None = None, isa: str | None = None, algorithm: str | None = None
    ) -> None:
        threads = check_threads("settings", threads)
        if isa is not None:
            _check_name("settings: isa", isa, table.isas_usable(), table.isas_compiled())
        if algorithm is not None:
            check_algorithm("settings", algorithm, _algorithms)
        self._values = Settings(threads, isa, algorithm)
        self._frames: list[int] = []  # that entered and are not left yet, of any thread

    def __enter__(self) -> settings:
        frame = id(sys._getframe().f_back)
        self._frames.append(frame)
        _enter((*_entered.get().entries, Entry(self, frame, self._values)))
        return self

    def __exit__(self, *exception: object) -> None:
        """Take away what the `__enter__` of the same ``with`` has put.

        It need not be the innermost: a generator may leave its ``with`` inside of one that was
        entered later. It may even be gone: a generator may be closed in another thread.
        """
        entries, frame = _entered.get().entries, id(sys._getframe().f_back)
        own = [i for i, entry in enumerate(entries) if entry.owner is self]
        if frame in self._frames:
            own = [i for i in own if entries[i].frame == frame]
        elif own:  # another frame entered on behalf of this one, as an ExitStack does
            frame = entries[own[-1]].frame
        with suppress(ValueError):  # a copied context is left once more
            self._frames.remove(frame)
        if own:
            _enter(entries[: own[-1]] + entries[own[-1] + 1 :])

    def __call__(self, function: Function) -> Function:
        later = inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction
        if any(runs_later(function) for runs_later in later):
            raise TypeError(
                f"settings: {function.__name__} runs after its call returns, but it must be a "
                "plain function; write `with settings(...)` inside it"
            )
        return super().__call__(function)

    def __repr__(self) -> str:
        said = ((field, value) for field, value in self._values._asdict().items())
        return f"settings({', '.join(f'{f}={v!r}' for f, v in said if v is not None)})"


def set_num_threads(threads: int | None) -> None:
    """Set how many threads calls use in this process, unless they or `settings` say otherwise.

    threads
        an integer from 1 to 1024, or None for the default.

    Raises TypeError or ValueError for other values.

    >>> from fastconv import get_num_threads, set_num_threads
    >>> set_num_threads(2)
    >>> get_num_threads()
    2
    >>> set_num_threads(None)
    """
    global _process
    number = check_threads("set_num_threads", threads)
    _process = _environment if number is None else _environment._replace(threads=number)


def get_num_threads() -> int:
    """The number of threads that a large call here would use, unless it says otherwise.

    >>> from fastconv import get_num_threads, settings
    >>> with settings(threads=3):
    ...     get_num_threads()
    3
    """
    return current().threads or min(default_threads(), measure.openmp_threads())


# ---- names, checked by those who know them -----------------------------------------------------


def check_isa(name: str, usable: Sequence[str], compiled: Sequence[str] = ()) -> str:
    """`name` if it is one of `usable`; `compiled` are those in the build that this CPU may lack."""
    return _check_name("isa", name, usable, compiled)


def check_environment(
    usable: Sequence[str], compiled: Sequence[str], algorithms: Sequence[str]
) -> None:
    """Let `current` refuse a FASTCONV_ISA or FASTCONV_ALGORITHM that does not exist, and `settings`
    an algorithm; called at import."""
    global _algorithms, _refused
    _algorithms = tuple(algorithms)
    try:
        if _environment.isa is not None:
            _check_name(ISA, _environment.isa, usable, compiled)
        if _environment.algorithm is not None:
            _check_name(ALGORITHM, _environment.algorithm, ("auto", *algorithms))
    except ValueError as error:
        _refused = str(error)


def _check_name(what: str, name: Any, usable: Sequence[str], compiled: Sequence[str] = ()) -> str:
    if isinstance(name, str) and name in usable:
        return name
    kind = ValueError if isinstance(name, str) else TypeError
    needed = word_needed(name, usable, " on this CPU" if compiled else "")  # compiled: of an ISA
    raise kind(f"{what} is {show(name)}, {needed}")


# ---- how many threads this process may run -----------------------------------------------------


_assumed_threads: int | None = None


@contextmanager
def assuming_threads(number: int) -> Iterator[None]:
    """For tests: inside, `default_threads` is this number, however many may run. Plans that were
    made with another stay until `execute.forget`."""
    global _assumed_threads
    before, _assumed_threads = _assumed_threads, number
    try:
        yield
    finally:
        _assumed_threads = before


def default_threads() -> int:
    """The least of CPU affinity, cgroup quota and OMP_NUM_THREADS, at least 1; found once."""
    return _assumed_threads or _default_threads()


@functools.cache
def _default_threads() -> int:
    limits = (processors(), cgroup_cpus(), omp_num_threads(os.environ))
    return max(1, min(limit for limit in limits if limit is not None))


def processors() -> int:
    """CPUs that this process may run on. The system would tell of one thread only, which OpenMP
    narrows to one CPU when it binds threads (OMP_PROC_BIND, OMP_PLACES)."""
    return measure.processors() or os.cpu_count() or 1


def omp_num_threads(environ: Mapping[str, str]) -> int | None:
    """The first of OMP_NUM_THREADS, a list by nesting level; like OpenMP, deaf to nonsense."""
    first = environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(first) or None if first.isascii() and first.isdigit() else None


def cgroup_cpus(root: str = "/") -> int | None:
    """CPU quota of this process's control groups, rounded up; None without one."""
    quotas = []
    for line in _read(os.path.join(root, "proc/self/cgroup")).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = os.path.join(root, "sys/fs/cgroup", "cpu" if controllers else "")
        while True:  # a limit of any ancestor binds; in a container the path may lie outside
            group = os.path.join(mount, path.strip("/"))
            if controllers:  # version 1
                files = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
                words = [_read(os.path.join(group, file)).strip() for file in files]
            else:  # version 2
                words = _read(os.path.join(group, "cpu.max")).split()
            if len(words) == 2 and all(word.isdigit() and int(word) for word in words):
                quotas.append(-(-int(words[0]) // int(words[1])))
            if not path.strip("/"):
                break
            path = os.path.dirname(path)
    return min(quotas, default=None)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""
