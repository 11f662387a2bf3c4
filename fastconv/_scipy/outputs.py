# SPDX-License-Identifier: BSD-3-Clause
"""New outputs of scipy.ndimage: not filled with zeros, as a filter writes all of its output.

To fill one takes as long as a filter with a small kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

import numpy as np

from .dispatch import Switch, stand_in

SUPPORT = "_ni_support"  # the module that makes outputs, by its name in others of scipy.ndimage


def copied(name: str) -> ModuleType:
    """A module, executed once more."""
    spec = find_spec(name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def empty(shape: Any, dtype: Any) -> np.ndarray:
    """A new array; with zeros if it is of the other byte order: SciPy's functions write such an
    output late, and not at all after some errors, which they do not raise."""
    if isinstance(dtype, np.dtype) and not dtype.isnative:
        return np.zeros(shape, dtype)
    return np.empty(shape, dtype)


def support(new: Callable = empty) -> ModuleType:
    """A copy of the module that takes `new` where it asks for zeros."""
    module = copied(f"scipy.ndimage.{SUPPORT}")
    for word in {"np", "numpy"} & vars(module).keys():
        setattr(module, word, stand_in(np, {"zeros": new}))
    return module


def empty_where(switch: Switch) -> Callable:
    """`empty` where the switch is on, else zeros."""
    here = switch.here

    def new(shape: Any, dtype: Any) -> np.ndarray:
        return empty(shape, dtype) if switch.process or here() else np.zeros(shape, dtype)

    return new
