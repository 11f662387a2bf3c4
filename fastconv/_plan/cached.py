# SPDX-License-Identifier: BSD-3-Clause
"""Properties that are computed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class cached(Generic[Value]):
    """A method as an attribute, whose value an object keeps.

    functools.cached_property of Python 3.11 has a lock that all objects share, and a forked child
    waits for it forever if another thread held it. Here two threads may compute the same value."""

    def __init__(self, method: Callable[[Any], Value]) -> None:
        self.method, self.__doc__ = method, method.__doc__

    def __get__(self, owner: Any, kind: type) -> Value | cached[Value]:
        if owner is None:  # asked of the class
            return self
        value = owner.__dict__[self.method.__name__] = self.method(owner)
        return value
