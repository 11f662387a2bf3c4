# SPDX-License-Identifier: BSD-3-Clause
"""Engines for the tests of what lies between SciPy and our kernels."""

from importlib import import_module

from fastconv._scipy.entries import ENTRIES, MODULES

BY_ENGINE = {name: entry for entry in ENTRIES for name in entry.engines}


class Originals:
    """An engine whose functions are those of SciPy, or others where the test gives them.

    `called` has the name of each function of the engine that was called.
    """

    def __init__(self, **others):
        self.called = []
        self._others = others

    def get(self, name):
        entry = BY_ENGINE[name]
        original = entry.of(import_module(entry.module))
        function = self._others.get(name, original)
        if function is None:
            return None

        def call(*arguments):
            self.called.append(name)
            return function(*arguments)

        return call


def look_at_all(seam):
    """Compare all entries with their originals, and forget the calls of it."""
    for module in MODULES:
        seam.places_of(module)
    if isinstance(seam._engine, Originals):
        seam._engine.called.clear()
    return seam.status().entries
