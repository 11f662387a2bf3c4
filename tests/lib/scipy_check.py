# SPDX-License-Identifier: BSD-3-Clause
"""One call of two modules that must give the same bits: SciPy's, and those of the drop-in."""

import importlib
import re
import sys
import warnings
from types import SimpleNamespace

import numpy as np
from scipy_arrays import CANARY, Array, Made, Over, Own, made, over
from scipy_faults import any_order, any_warning, to_rounding


def modules(package):
    """The two modules of a package: SciPy's, or those of the drop-in."""
    names = ("ndimage", "signal")
    if package == "fastconv":
        marked_outputs()
    return SimpleNamespace(**{n: importlib.import_module(f"{package}.{n}") for n in names})


def marked_outputs():
    """Let outputs that our copies of SciPy's modules make hold no zeros before they are written."""
    from fastconv._scipy import copies, outputs

    def marked(shape, dtype):
        output = outputs.empty(shape, dtype)
        if output.dtype.isnative and not output.dtype.hasobject:
            output.reshape(-1).view(np.uint8)[...] = CANARY
        return output

    copies.the_copies().module(copies.FILTERS)._ni_support = outputs.support(marked)


SCIPY = modules("scipy")


class Outcome:
    """What a call did: its result or exception, its warnings, and what it was given, after it."""

    result = error = None

    def __init__(self, call, modules):
        room, name = call.name.split(".")
        module = getattr(modules, room)
        self.memory, self.before = [], []  # (view, bytes around it) of each array
        args = [self.value(entry, module) for entry in call.args]
        said = {word: self.value(entry, module) for word, entry in call.said.items()}
        self.args, self.output = args, said.get("output")
        self.lost = []  # exceptions that came where none can be raised
        hook, sys.unraisablehook = sys.unraisablehook, lambda lost: self.lost.append(repr(lost))
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            try:
                self.result = getattr(module, name)(*args, **said)
            except Exception as error:
                self.error = error
            finally:
                sys.unraisablehook = hook
        self.warned = sorted({warning.category.__name__ for warning in heard})

    def value(self, entry, module):
        """An argument, from what describes it."""
        if isinstance(entry, Array):
            view, memory = made(entry)
            self.memory.append((view, memory))
            self.before.append(copied(view if memory is None else memory))
            return view
        if isinstance(entry, Over):
            return over(None, *self.memory[0], entry.how)
        if isinstance(entry, Made):
            return eval(entry.text, {"np": np})
        if isinstance(entry, Own):
            return getattr(module, entry.name)
        if isinstance(entry, (list, tuple)) and any(isinstance(e, Array) for e in entry):
            return type(entry)(self.value(e, module) for e in entry)
        return entry

    def touched(self):
        """What a call changed that it may not change, or nothing."""
        for at, ((view, memory), before) in enumerate(zip(self.memory, self.before, strict=True)):
            if memory is None and view is self.output:
                continue
            after = view if memory is None else memory
            shared = isinstance(self.output, np.ndarray) and memory is not None
            if shared and np.may_share_memory(self.output, memory):
                after, before = (outside(self.output, bits, memory) for bits in (after, before))
            if copied(after) != before if memory is None else not np.array_equal(after, before):
                return f"array {at} was changed, or what lies beside the output"
        return ""


def copied(value):
    return value.copy() if isinstance(value, np.ndarray) and value.dtype != object else repr(value)


def outside(view, bits, memory):
    """Bytes in `memory` with those of a view of it put to 0."""
    left = bits.copy()
    first = view.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
    if view.size:
        shape, by = (*view.shape, view.itemsize), (*view.strides, 1)
        np.ndarray(shape, np.uint8, left, first, by)[...] = 0
    return left


# ---- what two calls differ in ------------------------------------------------------------------


def failure(call, ours=None, theirs=SCIPY):
    """How a call of our modules differs from that of theirs, or nothing."""
    return compared(call, ours or modules("fastconv"), theirs)[0]


def compared(call, ours, theirs, before=lambda first: None):
    """(how a call of two pairs of modules differs, whether it raises); `before` runs before each
    of the two calls."""
    before(True)
    right = Outcome(call, theirs)
    before(False)
    return difference(call, right, Outcome(call, ours)), right.error is not None


def difference(call, right, got):
    if (right.error is None) != (got.error is None):
        return f"gives {told(got)}, not {told(right)}"
    if right.error is not None:
        pair = [(type(entry.error).__name__, worded(entry.error)) for entry in (right, got)]
        if pair[0] != pair[1]:
            return f"raises {pair[1]}, not {pair[0]}"
    elif wrong := result_differs(call, right, got):
        return wrong
    if got.lost and not right.lost:
        return f"loses an exception: {got.lost[0]}"
    if right.warned != got.warned and not right.lost and not any_warning(call):
        return f"warns {got.warned}, not {right.warned}"
    return got.touched()


def worded(error):
    """The message, without a method that only we have."""
    return str(error).replace("'fft', or 'fastest'", "or 'fft'")


def told(outcome):
    if outcome.error is not None:
        return f"{type(outcome.error).__name__}: {str(outcome.error)[:200]}"
    return f"a result of {type(outcome.result).__name__}"


def result_differs(call, right, got):
    a, b = right.result, got.result
    if type(a) is not type(b):
        return f"type: {type(b).__name__}, not {type(a).__name__}"
    for one in ("output", "args"):
        pair = [entry.output if one == "output" else entry.args[0] for entry in (right, got)]
        if (a is pair[0]) != (b is pair[1]):
            return f"identity: the result is {'not ' * (a is pair[0])}its {one}"
    if isinstance(a, np.ndarray):
        shared = [np.may_share_memory(e.result, e.args[0]) if isinstance(e.args[0], np.ndarray)
                  else False for e in (right, got)]  # fmt: skip
        if shared[0] != shared[1]:
            return f"memory: the result shares the input's: {shared[1]}, not {shared[0]}"
        if isinstance(right.output, np.ndarray) and a is not right.output:
            a, b = right.output, got.output  # some functions return nothing then
    elif a is None and isinstance(right.output, np.ndarray):
        a, b = right.output, got.output
    if any_order(call, right):
        return ""
    return values_differ(np.asarray(a), np.asarray(b), to_rounding(call))


def values_differ(a, b, roughly=False):
    """How two arrays differ: in dtype, shape, or bits, where any NaN is as good as another."""
    if a.dtype != b.dtype:
        return f"dtype: {b.dtype}, not {a.dtype}"
    if a.shape != b.shape:
        return f"shape: {b.shape}, not {a.shape}"
    if roughly and a.dtype.kind in "fc":
        return about(a, b)
    bad = unequal(a, b)
    if not bad.any():
        return ""
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"values: {b[at]!r}, not {a[at]!r} at {at}, {np.count_nonzero(bad)} of {bad.size}"


def unequal(a, b):
    if a.dtype.kind == "c":
        return unequal(a.real, b.real) | unequal(a.imag, b.imag)
    if a.dtype.kind == "O":
        pairs = zip(a.ravel(), b.ravel(), strict=True)
        return np.array([repr(x) != repr(y) for x, y in pairs], bool).reshape(a.shape)
    if a.dtype.kind == "f" and a.dtype.itemsize > 8:
        other = (a != b) | (np.signbit(a) != np.signbit(b))
    else:
        bits = f"u{a.dtype.itemsize}"
        other = np.ascontiguousarray(a).view(bits) != np.ascontiguousarray(b).view(bits)
        other = other.reshape(a.shape)
    return other & ~((a != a) & (b != b)) if a.dtype.kind == "f" else other


def about(a, b):
    """How two results of a fast Fourier transform differ by more than rounding."""
    if not (np.isfinite(a).all() and np.isfinite(b).all()) or not a.size:
        return ""  # a transform spreads what is not finite
    bound = 300 * np.finfo(a.dtype).eps * abs(a).max()
    wrong = abs(a - b).max()
    return f"values: {wrong} from the result, at most {bound}" if wrong > bound else ""


def kind_of(wrong):
    """What failures of one kind have in common."""
    words = re.sub(r"[-+]?\b[0-9][-+0-9.ej]*|\binf\b|\bnan\b", "#", wrong)
    return re.sub(r"\(.*?\)", "()", words)[:60]


def check(call, ours=None, theirs=SCIPY):
    """Raise if a call differs."""
    wrong = failure(call, ours, theirs)
    assert not wrong, f"{call!r}: {wrong}"
