# SPDX-License-Identifier: BSD-3-Clause
"""Random calls of scipy.ndimage and scipy.signal, each of which depends on its seed and number."""

import random as source

from scipy_arrays import Call
from scipy_ndimage_cases import NDIMAGE
from scipy_signal_cases import SIGNAL

FUNCTIONS = {f"ndimage.{name}": make for name, make in NDIMAGE.items()} | {
    f"signal.{name}": make for name, make in SIGNAL.items()
}
NAMES = tuple(FUNCTIONS)


def call_of(random, name):
    """A call of one function."""
    args, said = FUNCTIONS[name](random, name.split(".")[1])
    return Call(name, tuple(args), said)


def drawn(seed, number, names=NAMES):
    """The call of a number, of one of these functions."""
    random = source.Random(seed << 40 | number)
    return call_of(random, random.choice(names))
