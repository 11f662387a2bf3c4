# SPDX-License-Identifier: BSD-3-Clause
"""The tables of filters of the built extension through ctypes: those of fc_filters.h."""

import ctypes
import re
from functools import cache

import numpy as np
from ctables import POINTER, RESULTS, SIZE, SOURCE, objdump

from fastconv._core import table as extension

HEADER = (SOURCE / "fc_filters.h").read_text(encoding="utf-8")
LETTERS = {"f4": "f", "f8": "d", "i8": "q"}
SLACK = 128  # bytes behind rows that are read and written
FORMS = re.findall(r"^    (FC_SUM\w*)", HEADER, re.MULTILINE)


def listed_filters():
    """(name, type of the result) of each kernel."""
    return re.findall(r"^    KERNEL\((\w+), (\w+),", HEADER, re.MULTILINE)


class Sums(ctypes.Structure):
    """fc_sums; offsets and weights are arrays that are kept alive."""

    _fields_ = [
        ("form", ctypes.c_int),
        *((name, SIZE) for name in ("taps", "every")),
        *((name, POINTER) for name in ("offset", "mate", "weight")),
        *((name, SIZE) for name in ("src_imaginary", "dst_imaginary")),
    ]

    def __init__(self, form, offset, weight, every=1, mate=None, apart=(0, 0)):
        self.held = [np.ascontiguousarray(offset, np.intp), np.ascontiguousarray(weight)]
        self.held.append(np.ascontiguousarray(offset if mate is None else mate, np.intp))
        places = (self.held[0].ctypes.data, self.held[2].ctypes.data, self.held[1].ctypes.data)
        super().__init__(FORMS.index(form), len(offset), every, *places, *apart)


class Footprint(ctypes.Structure):
    """fc_footprint."""

    _fields_ = [
        *((name, ctypes.c_int) for name in ("minimum", "add")),
        ("taps", SIZE),
        *((name, POINTER) for name in ("offset", "height")),
        *((name, ctypes.c_double) for name in ("low", "high")),
    ]

    def __init__(self, minimum, add, offset, height, low=0, high=0):
        self.held = [np.ascontiguousarray(offset, np.intp), np.ascontiguousarray(height, float)]
        places = (array.ctypes.data for array in self.held)
        super().__init__(minimum, add, len(offset), *places, low, high)


class Rank(ctypes.Structure):
    """fc_rank; `steps` are pairs of places."""

    _fields_ = [
        ("rank", ctypes.c_int),
        *((name, SIZE) for name in ("taps", "steps", "place")),
        *((name, POINTER) for name in ("offset", "step")),
    ]

    def __init__(self, rank, offset, steps=(), place=0):
        self.held = [np.ascontiguousarray(offset, np.intp), np.array(steps, np.uint16)]
        places = (array.ctypes.data for array in self.held)
        super().__init__(rank, len(offset), len(steps), place, *places)


class Filters(ctypes.Structure):
    """fc_filters, its functions named by the list in the header."""

    _fields_ = [
        ("isa", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("itemsize", ctypes.c_int),
        ("lanes", ctypes.c_int),
        *((name, POINTER) for name, _ in listed_filters()),
    ]

    @property
    def dtype(self):
        name = self.name.decode()
        return np.dtype(f"{name[0]}{int(name[1:]) // 8}")

    def call(self, name, *arguments):
        """Call a kernel with ints, and arrays or structures for pointers."""
        kinds, values = [], []
        for value in arguments:
            pointer = value is None or isinstance(value, (np.ndarray, ctypes.Structure))
            if isinstance(value, np.ndarray):
                value = value.ctypes.data
            elif isinstance(value, ctypes.Structure):
                value = ctypes.addressof(value)
            kinds.append(POINTER if pointer else SIZE)
            values.append(value)
        result = RESULTS[dict(listed_filters())[name]]
        return ctypes.CFUNCTYPE(result, *kinds)(getattr(self, name))(*values)


@cache
def finder():
    """fc_find_filters(isa, dtype) of the extension that `table` is; objdump tells where it is."""
    lines = objdump("-t").splitlines()
    places = {line.split()[-1]: int(line.split()[0], 16) for line in lines if " .text" in line}
    known = ctypes.cast(ctypes.CDLL(extension.__file__).PyInit_table, POINTER).value
    address = known + places["fc_find_filters"] - places["PyInit_table"]
    prototype = ctypes.CFUNCTYPE(ctypes.POINTER(Filters), ctypes.c_char_p, ctypes.c_char)
    return lambda isa, dtype: prototype(address)(isa.encode(), dtype.encode())


def find_filters(isa, dtype):
    """The table for a dtype of NumPy."""
    found = finder()(isa, LETTERS[dtype])
    assert found, "no kernels"
    return found.contents


def room(count, dtype, fill=0):
    """(an array of `count` elements, with slack behind it, and its first `count` ones)."""
    whole = np.full(count + SLACK // np.dtype(dtype).itemsize, fill, dtype)
    return whole, whole[:count]
