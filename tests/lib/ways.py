# SPDX-License-Identifier: BSD-3-Clause
"""The ways in which one convolution can run: algorithms, ISAS, orientations, schedules, caches."""

from contextlib import ExitStack, contextmanager

import fastconv
from fastconv import conv1d, conv2d, conv3d
from fastconv._core import table
from fastconv._plan import depthwise
from fastconv._plan.algorithms import ORIENTATIONS, choosing, names, offering
from fastconv._plan.kept import forget
from fastconv._plan.machine import assuming_caches
from fastconv._spec.conv import ConvSpec

CONV = {1: conv1d, 2: conv2d, 3: conv3d}
ISAS = table.isas_usable()
NAMES = names(ConvSpec)  # words for the algorithms of a convolution
# Those that run any convolution: depthwise, grouped, separable and fft have tests of their own.
SOME = ("auto", "depthwise", "grouped", "separable", "fft", "reference")
ALGORITHMS = tuple(name for name in NAMES if name not in SOME)
WAYS = [(name, orientation) for name in ALGORITHMS for orientation in ORIENTATIONS]
GROUPED = [("grouped", "channels")]
DEPTHWISE = [("depthwise", orientation) for orientation in ORIENTATIONS]
WORDS = ("valid", "full", "same", "same_upper", "same_lower", "same_torch")


def run(x, w, bias=None, *, isa=None, prepared=False, residual=None, out=None, **said):
    """The convolution, in one call or of prepared weights."""
    with fastconv.settings(isa=isa):
        if prepared:
            how = {name: said.pop(name) for name in ("threads",) if name in said}
            return fastconv.prepare(w, bias, **said)(x, out=out, residual=residual, **how)
        return CONV[w.ndim - 2](x, w, bias, residual=residual, out=out, **said)


@contextmanager
def planned_anew(*hooks):
    """Plans inside are made under these hooks of the engine, and none of them stays."""
    forget()
    try:
        with ExitStack() as stack:
            for hook in hooks:
                stack.enter_context(hook)
            yield
    finally:
        forget()


def with_schedules(pick):
    """Plans inside take the schedule ``pick(tiled, work)`` of each algorithm, with its cost."""
    return planned_anew(choosing(pick))


def with_rows(rows):
    """Plans inside choose among these rows of algorithms."""
    return planned_anew(offering(tuple(rows)))


def with_any_schedule(orientation, random):
    """Plans inside take a random schedule of this orientation."""

    def pick(tiled, work):
        return random.choice(list(tiled.schedules(work, orientation)))

    return planned_anew(choosing(pick), planes(orientation))


def planes(orientation):
    """The hook by which depthwise puts pixels or channels in vectors, where it can."""
    return depthwise.choosing(
        lambda ways: [way for way in ways if way.orientation == orientation] or ways
    )


def with_caches(l2):
    """Plans inside are made for a second-level cache of so many bytes."""
    return planned_anew(assuming_caches(L1d=2**14, L2=l2, L3=None))
