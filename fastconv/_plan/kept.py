# SPDX-License-Identifier: BSD-3-Clause
"""What is kept for later calls, in bounded memory, and the keys under which it is found."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from contextlib import AbstractContextManager
from operator import index
from typing import Any

import numpy as np

from .._spec.values import told_apart

KEPT_BYTES = 64 << 20  # of all plans, those of layers, too


class Store(dict):
    """Plans, or what a layer has made ready, by what a call looks like."""

    __slots__ = ("__weakref__",)


_kept: deque[tuple[weakref.ref[Store], Any, int]] = deque()  # the oldest first
_bytes = 0
_lock = threading.RLock()


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()  # in the child nobody is left to release the old one


os.register_at_fork(after_in_child=_after_fork)


def locked() -> AbstractContextManager:
    """Inside, no other thread changes what is kept."""
    return _lock


def keep(store: Store, key: Any, value: Any, size: int) -> None:
    """Keep a value of so many bytes; the oldest ones of all stores make room."""
    global _bytes
    with _lock:
        store[key] = value
        _kept.append((weakref.ref(store), key, size))
        _bytes += size
        while _bytes > KEPT_BYTES:
            owner, key, size = _kept.popleft()
            _bytes -= size
            found = owner()
            if found is not None:
                found.pop(key, None)


def forget() -> None:
    """Drop all that is kept."""
    global _bytes
    with _lock:
        for owner, key, _ in _kept:
            found = owner()
            if found is not None:
                found.pop(key, None)
        _kept.clear()
        _bytes = 0


def kept() -> list:
    """What is kept, the oldest first."""
    with _lock:
        owners = [(owner(), key) for owner, key, _ in _kept]
        return [store[key] for store, key in owners if store is not None and key in store]


def kept_bytes() -> int:
    """What that takes at most."""
    return _bytes


# ---- keys --------------------------------------------------------------------------------------


def frozen(value: Any, depth: int = 0) -> Any:
    """A key for a dict that tells 1 from 1.0 and True, as equality does not.

    What it does not know is no number, word, dtype or list of them: it is refused, never kept.
    """
    kind = type(value)
    if kind is int or kind is str or value is None:
        return value
    if kind is tuple and all(type(item) is int for item in value):
        return (kind, *value)
    if isinstance(value, np.dtype):
        return value
    if isinstance(value, np.ndarray):
        return (kind, value.dtype, frozen(value.tolist()))
    if isinstance(value, (list, tuple)) and depth < 3:  # deeper ones are refused anyway
        return (kind, *(frozen(item, depth + 1) for item in value))
    try:
        return (kind, index(value))
    except Exception:
        return told_apart(value)


FLAGS = 0x0100 | 0x0400  # of ndarray.flags.num: aligned, writeable


def outline(out: Any) -> tuple:
    """What a plan and the checks of `out` depend on."""
    if not isinstance(out, np.ndarray):
        return (type(out), id(out))  # refused, so never kept
    return type(out), out.shape, out.strides, out.dtype, out.flags.num & FLAGS
