# SPDX-License-Identifier: BSD-3-Clause
"""What came of each entry: is it ours, or why not, and the calls that it has served.

SciPy is imported when an entry of it is looked at, module by module: scipy.signal takes long.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from . import fft, selftest
from .dispatch import Counts, Switch
from .entries import ENTRIES, Engine, Entry
from .status import UNUSED, EntryStatus, Status

VERBOSE = "FASTCONV_VERBOSE"


@dataclass
class Place:
    """An entry in the SciPy that is installed."""

    entry: Entry
    counts: Counts = field(default_factory=Counts)
    looked: bool = False  # the fields below are known
    original: Callable | None = None
    engine: Callable | None = None  # None: left alone
    reason: str = UNUSED  # why, if it is

    def status(self) -> EntryStatus:
        ours = self.engine is not None
        counts = self.counts.served, self.counts.handed_over
        return EntryStatus(self.entry.name, ours, "" if ours else self.reason, *counts)


class Seam:
    """All entries, with one engine."""

    def __init__(self, engine: Any = None) -> None:
        self.places = {entry.name: Place(entry) for entry in ENTRIES}
        self.switch: Switch | None = None  # that of a patch, once there is one
        self._engine = engine
        self._lock = threading.RLock()

    def places_of(self, module: str) -> list[Place]:
        """The entries of a module of SciPy, each compared with ours."""
        places = [place for place in self.places.values() if place.entry.module == module]
        with self._lock:
            for place in places:
                if not place.looked:
                    self._look(place)
        return places

    def ours(self, places: Iterable[Place]) -> list[Place]:
        """Those of the places that have a function of ours."""
        return [place for place in places if place.engine is not None]

    def status(self) -> Status:
        entries = {name: place.status() for name, place in self.places.items()}
        version = getattr(sys.modules.get("scipy"), "__version__", None)
        process = self.switch is not None and self.switch.process
        here = process or (self.switch is not None and bool(self.switch.here()))
        return Status(version, process, here, entries)

    def _look(self, place: Place) -> None:
        """Find the original, and what serves in its place."""
        if self._engine is None:
            self._engine = Engine()
        entry = place.entry
        place.original = original = entry.of(import_module(entry.module))
        place.reason = "this version of SciPy has no such function"
        if original is not None:
            place.reason = "this build of fastconv has no function for it"
            for engine in self._candidates(entry, original):
                reason = selftest.fault(entry, engine, original)
                if reason is None:
                    place.engine = engine
                    break
                place.reason = reason
        place.looked = True

    def _candidates(self, entry: Entry, original: Callable) -> list[Callable]:
        if entry.holder == "sp_fft":
            return [fft.with_workers(original)]
        found = map(self._engine.get, entry.engines)
        return [function for function in found if function is not None]


@cache
def the_seam() -> Seam:
    """That of the process."""
    if os.environ.get(VERBOSE, "").strip() not in ("", "0"):
        report_at_exit()
    return Seam()


@cache
def report_at_exit() -> None:
    """Let the process end with the status of all entries, on stderr."""
    atexit.register(_report)


def _report() -> None:
    if sys.stderr is not None:
        print(the_seam().status(), file=sys.stderr)
