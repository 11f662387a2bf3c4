# SPDX-License-Identifier: BSD-3-Clause
"""Do something as soon as a module is imported, and not import it for that.

scipy.signal takes long to import; a script that only uses scipy.ndimage should not wait for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class AfterImport(MetaPathFinder):
    """While it is in sys.meta_path, calls `then` with the name of each of these modules."""

    def __init__(self, names: Collection[str], then: Callable[[str], None]) -> None:
        self._names, self._then = names, then

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._names:
            return None
        for finder in tuple(sys.meta_path):
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    if spec.loader is not None:
                        spec.loader = _Watched(spec.loader, self._then)
                    return spec
        return None


class _Watched(Loader):
    """A loader, and what is to be done after it."""

    def __init__(self, loader: Any, then: Callable[[str], None]) -> None:
        self._loader, self._then = loader, then

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__.loader = module.__loader__ = self._loader  # as if we were not here
        self._loader.exec_module(module)
        self._then(module.__name__)
