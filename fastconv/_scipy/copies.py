# SPDX-License-Identifier: BSD-3-Clause
"""Private copies of SciPy's Python modules, whose functions call ours.

A copy is the module executed once more, with other globals where the module has an entry and where
it calls a module that is copied, too. SciPy's own modules stay as they are.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from itertools import groupby
from types import CodeType, FunctionType, ModuleType
from typing import Any

from . import outputs
from .dispatch import make_call, stand_in
from .entries import FILTERS, TOOLS
from .fastest import METHODS, with_fastest
from .keywords import with_keywords
from .seam import Seam, the_seam

MORPHOLOGY = "scipy.ndimage._morphology"
UPFIRDN = "scipy.signal._upfirdn"
SAVGOL = "scipy.signal._savitzky_golay"

PACKAGES = {
    "ndimage": (FILTERS, MORPHOLOGY),
    "signal": (UPFIRDN, TOOLS, SAVGOL),
}
# Globals of a copied module: the copied module that takes their place, or of which a function does.
LINKS = (
    (MORPHOLOGY, "_filters", FILTERS, None),
    (SAVGOL, "convolve1d", FILTERS, "convolve1d"),
    (TOOLS, "upfirdn", UPFIRDN, "upfirdn"),
)


class Copies:
    """The copies over one seam, each made when it is asked for."""

    def __init__(self, seam: Seam) -> None:
        self.seam = seam
        self._modules: dict[str, ModuleType] = {}
        self._reaching: dict[int, bool] = {}  # by id of a function of a copy

    def public(self, package: str) -> dict[str, Callable]:
        """The public functions of scipy.`package` that reach an entry, as functions of ours."""
        theirs = import_module(f"scipy.{package}")
        found = {}
        for name in PACKAGES[package]:
            copied = vars(self.module(name))
            for word in sorted({*getattr(theirs, "__all__", ()), *dir(theirs)} & copied.keys()):
                function = copied[word]
                if isinstance(function, FunctionType) and self.reaches(function):
                    ours, seldom = f"fastconv.{package}", function
                    if name == TOOLS and word in METHODS:
                        seldom = with_fastest(function, copied)
                    made = with_keywords(function, getattr(theirs, word), ours, seldom)
                    found.setdefault(word, made)
        return found

    def module(self, name: str) -> ModuleType:
        """The copy of a module of SciPy."""
        if name not in self._modules:
            self._modules[name] = module = outputs.copied(name)
            self._link(name, module)
            self._replace(name, module)
        return self._modules[name]

    def _link(self, name: str, module: ModuleType) -> None:
        for linked, word, source, function in LINKS:
            if linked == name and hasattr(module, word):
                copy = self.module(source)
                setattr(module, word, copy if function is None else getattr(copy, function))
        if name == FILTERS and hasattr(module, outputs.SUPPORT):
            setattr(module, outputs.SUPPORT, outputs.support())
        if name == TOOLS:
            functions = {
                word: value
                for source in PACKAGES["ndimage"]
                for word, value in vars(self.module(source)).items()
                if isinstance(value, FunctionType) and value.__module__ == source
            }
            module.ndimage = stand_in(module.ndimage, functions)

    def _replace(self, name: str, module: ModuleType) -> None:
        places = self.seam.ours(self.seam.places_of(name))
        for holder, group in groupby(places, key=lambda place: place.entry.holder):
            calls = {
                place.entry.attribute: make_call(
                    place.engine, place.original, place.counts, place.entry.arity
                )
                for place in group
            }
            original = getattr(module, holder)
            setattr(module, holder, calls.get(None) or stand_in(original, calls))

    # ---- which functions reach an entry ----------------------------------------------------------

    def reaches(self, function: Any) -> bool:
        """Whether a function or a class of a copy calls an entry, itself or by others."""
        key = id(function)
        if key not in self._reaching:
            self._reaching[key] = False  # while we look: functions may call one another
            self._reaching[key] = any(
                self._leads(code, method.__globals__)
                for method in _functions(function)
                for code in _codes(method.__code__)
            )
        return self._reaching[key]

    def _leads(self, code: CodeType, space: dict[str, Any]) -> bool:
        """Whether code with these globals calls an entry, or a function that reaches one."""
        names = set(code.co_names)  # globals, and attributes of any object
        for place in self.seam.places.values():
            entry = place.entry
            if entry.module == space["__name__"] and {entry.holder, entry.attribute} <= names | {
                None
            }:
                return True
        for name in names & space.keys():
            value = space[name]
            if isinstance(value, ModuleType):
                if any(self._is_ours(vars(value).get(attribute)) for attribute in names):
                    return True
            elif self._is_ours(value) and _loads_global(code, name):
                return True
        return False

    def _is_ours(self, value: Any) -> bool:
        """Whether this is a function, or a class, of a copied module that reaches an entry."""
        if not isinstance(value, FunctionType | type) or value.__module__ not in self._modules:
            return False
        return value is vars(self._modules[value.__module__]).get(value.__name__) and self.reaches(
            value
        )


def _functions(value: FunctionType | type) -> Iterable[FunctionType]:
    """A function, or the methods of a class."""
    members = [value] if isinstance(value, FunctionType) else vars(value).values()
    return [member for member in members if isinstance(member, FunctionType)]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function and of those that it defines."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _loads_global(code: CodeType, name: str) -> bool:
    """Whether code uses a global of this name, not only an attribute as in ``np.convolve``."""
    steps = dis.get_instructions(code)
    return any(step.opname == "LOAD_GLOBAL" and step.argval == name for step in steps)


@cache
def the_copies() -> Copies:
    """Those of the process."""
    return Copies(the_seam())


def namespace(name: str) -> dict[str, Any]:
    """What the public module of this name holds: our functions, and all else of SciPy's module."""
    package = name.rpartition(".")[2]
    theirs = import_module(f"scipy.{package}")
    names = sorted(
        word
        for word in theirs.__all__
        if word == "windows" or not isinstance(getattr(theirs, word), ModuleType)
    )

    def get(word: str) -> Any:
        try:
            return getattr(theirs, word)
        except AttributeError:
            raise AttributeError(f"module {name!r} has no attribute {word!r}") from None

    ours = the_copies().public(package)
    return {**ours, "__all__": names, "__getattr__": get, "__dir__": lambda: names}
