# SPDX-License-Identifier: BSD-3-Clause
"""Let SciPy's own modules call ours, for the process or for one context, and undo it.

The globals of SciPy's modules are replaced while anyone needs them, in a module that is imported
later, too. What stands there looks at each
call whether the patch is in force for the caller, and calls the original if not. So a thread that
is about to call, while another one uninstalls, gets its result all the same.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from itertools import groupby
from types import TracebackType
from typing import Any, NamedTuple

from . import need_scipy, outputs
from .dispatch import make_call, stand_in
from .entries import FILTERS, MODULES
from .loading import AfterImport
from .seam import Place, Seam, the_seam


class Use:
    """One `with installed()` that was entered."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open = True


class Replaced(NamedTuple):
    """A global of a module of SciPy, and both of its values."""

    module: Any
    name: str
    original: Any
    ours: Any


class Patch:
    """The patch of SciPy by one seam."""

    def __init__(self, seam: Seam) -> None:
        self.seam = seam
        seam.switch = self
        self.process = False  # in force for all threads
        self._installs = 0
        self._contexts = 0
        self._uses: ContextVar[tuple[Use, ...]] = ContextVar("fastconv.patch", default=())
        self._replaced: tuple[Replaced, ...] = ()
        self._made: dict[str, tuple[Replaced, ...]] = {}  # by module, once
        self._finder = AfterImport(MODULES, self._put_late)
        self._lock = threading.RLock()

    def install(self) -> None:
        with self._lock:
            self._replace()
            self._installs += 1
            self.process = True

    def uninstall(self) -> None:
        with self._lock:
            if not self._installs:
                raise RuntimeError(
                    "uninstall: the patch is not installed, but each call of uninstall must follow "
                    "one of install"
                )
            self._installs -= 1
            self.process = self._installs > 0
            self._restore()

    def enter(self) -> Use:
        """Put the patch in force for this context, until `leave` of what this returns."""
        with self._lock:
            self._replace()
            self._contexts += 1
        use = Use()
        self._uses.set((*self._uses.get(), use))
        return use

    def leave(self, use: Use) -> None:
        """In any order, and from any context: a generator may be closed in another thread."""
        self._uses.set(tuple(other for other in self._uses.get() if other is not use))
        with self._lock:
            if use.open:
                use.open = False
                self._contexts -= 1
                self._restore()

    def here(self) -> bool:
        """Whether this context is in a `with installed()`.

        A task that was started inside, and lives on, is no longer.
        """
        uses = self._uses.get()
        return bool(uses) and any(use.open for use in uses)

    def _replace(self) -> None:
        """Put our objects into SciPy's modules, for the first who needs them.

        Into those that are loaded; the others follow when they are imported.
        """
        if self._finder in sys.meta_path:
            return
        need_scipy("fastconv.patch")
        for name in MODULES:
            if name in sys.modules:
                self._put(name)
        sys.meta_path.insert(0, self._finder)

    def _put(self, name: str) -> None:
        """Put our objects into one module."""
        if name not in self._made:
            self._made[name] = tuple(self._make(name))
        for one in self._made[name]:
            setattr(one.module, one.name, one.ours)
        self._replaced += self._made[name]

    def _put_late(self, name: str) -> None:
        """The same, when it is imported."""
        with self._lock:
            if self._finder in sys.meta_path:
                self._put(name)

    def _restore(self) -> None:
        """Put SciPy's objects back, after the last who needed ours.

        A global that someone else has replaced meanwhile stays: ours behind it calls the original.
        """
        if self._installs or self._contexts:
            return
        sys.meta_path.remove(self._finder)
        for one in self._replaced:
            if getattr(one.module, one.name) is one.ours:
                setattr(one.module, one.name, one.original)
        self._replaced = ()

    def _make(self, name: str) -> Iterator[Replaced]:
        module = import_module(name)
        places = self.seam.ours(self.seam.places_of(name))
        for holder, group in groupby(places, key=lambda place: place.entry.holder):
            original = getattr(module, holder)
            calls = {place.entry.attribute: self._call(place) for place in group}
            ours = calls[None] if None in calls else stand_in(original, calls)
            yield Replaced(module, holder, original, ours)
        if name == FILTERS and hasattr(module, outputs.SUPPORT):
            ours = outputs.support(outputs.empty_where(self))
            yield Replaced(module, outputs.SUPPORT, getattr(module, outputs.SUPPORT), ours)

    def _call(self, place: Place) -> Any:
        return make_call(place.engine, place.original, place.counts, place.entry.arity, switch=self)


class installed:
    """What `fastconv.patch.installed` returns: a context manager, which may be used again."""

    def __init__(self, patch: Patch) -> None:
        self._patch = patch
        self._entered: list[Use] = []

    def __enter__(self) -> None:
        self._entered.append(self._patch.enter())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        own = self._patch._uses.get()
        mine = [use for use in self._entered if use in own] or self._entered
        use = mine[-1]
        with suppress(ValueError):
            self._entered.remove(use)
        self._patch.leave(use)


@cache
def the_patch() -> Patch:
    """That of the process."""
    return Patch(the_seam())
