# SPDX-License-Identifier: BSD-3-Clause
"""One call of a case of fuzzing.py: its arrays in memory of their own, its arguments as said."""

import inspect
import pickle
from contextlib import suppress

import numpy as np
from fuzz_arrays import ARRAYS, OUTS, as_dtype, close, formed, made, own_bytes
from fuzz_shapes import IMAGES, KERNELS, function_of
from fuzz_sums import native
from fuzz_unweighted import WORDS

import fastconv


class Mismatch(Exception):
    """A case went wrong, and how."""


def operands(op, given, rank):
    """(arrays by position: input, weights and bias; keywords) of arrays by name: how a function
    takes them."""
    given = dict(given)
    if op in WORDS:
        if "out_indices" in given:
            given["out"] = given["out"], given.pop("out_indices")
        if "samples" in given:
            given["_random_samples"] = given.pop("samples")
        return (given.pop("input"),), given
    src, bias = given.pop("input"), given.pop("bias", None)
    if op == "separable_filter":
        weights = [given.pop(name, None) for name in KERNELS[:rank]]
        weights = [given.pop("kernels_1d", weights)]
    else:
        weights = [given.pop(name) for name in KERNELS if name in given]
    if "first_bias" in given:
        given["depthwise_bias"] = given.pop("first_bias")
    return (src, *weights, bias), given


def others(array, image):
    """Inputs in other memory, of other dtypes and numbers, for the same layer."""
    yield np.zeros(array.shape, np.int8)
    yield np.asfortranarray(array)
    yield np.zeros((2, *array.shape[-3:]), array.dtype)
    yield np.ones(array.shape, np.complex64)
    if image:
        yield np.stack([array, array], -1)


class Call:
    """The arrays of a case in fresh memory, and its arguments in the types that it asks for."""

    def __init__(self, case):
        self.case, self.op, self.rank = case, case["op"], len(case["sizes"]["sizes"])
        self.function = function_of(self.op, self.rank)
        self.layered = self.op not in (*WORDS, "masked_conv")  # `prepare` takes it
        self.views, memory = {}, {}
        for name in ARRAYS:
            array = case.get(name)
            if array == "out":
                self.views[name] = self.views["out"]
            elif array is not None:
                owner = array.get("over")
                self.views[name], memory[name] = made(array, memory.get(owner))
                others = [n for n in memory if case[n].get("over") == name]
                for other in others:  # it was made before the memory that it lies in
                    self.views[other], memory[other] = made(case[other], memory[name])
                    self.views[name], _ = made(array, memory[name])
        self.plain = {name: np.array(view) for name, view in self.views.items()}
        for name, view in self.views.items():
            if name not in OUTS and case[name] != "out":
                close(case[name], view, memory[name])
        self.memory = list({id(m): m for m in memory.values()}.values())
        self.kept = [m.copy() for m in self.memory]
        self.own = [np.zeros(m.size, bool) for m in self.memory]
        for own, m in zip(self.own, self.memory, strict=True):
            for name in OUTS:
                if m is memory.get(name):
                    own |= own_bytes(case[name], m)
        self.said = said_of(case)
        self.given = dict(self.views)
        for name, form in case.get("forms", {}).items():
            place = self.said if name in self.said else self.given
            if name in place:
                place[name] = formed(place[name], form)
        for name in ARRAYS[len(OUTS) :]:
            if case.get("forms", {}).get(name) == "array of lists":
                self.plain[name] = np.asarray(self.given[name])
        if case.get("residual") == "out":
            self.given["residual"] = self.given["out"]

    def run(self, way="call", **changed):
        """The result; the layer is made of weights and lists that change afterwards."""
        said, given = {**self.said, **changed}, dict(self.given)
        arrays = (*ARRAYS, "kernels_1d")
        given.update({name: said.pop(name) for name in arrays if name in said})
        (x, *rest), given = operands(self.op, given, self.rank)
        how = {"isa": self.case.get("isa")}
        if way == "settings":
            how |= {word: said.pop(word, None) for word in ("threads", "algorithm")}
        with fastconv.settings(**how):
            if way == "plan":
                return fastconv.plan(self.function, x, *rest, **given, **said)
            if way == "positional":
                words = (*inspect.signature(self.function).parameters.values(),)[1 + len(rest) :]
                words = [word for word in words if word.kind is word.POSITIONAL_OR_KEYWORD]
                placed = [said.pop(word.name, given.pop(word.name, word.default)) for word in words]
                return self.function(x, *rest, *placed, **given, **said)
            if way in ("call", "settings"):
                return self.function(x, *rest, **given, **said)
            first = {n: given.pop(n) for n in ("depthwise_bias",) if n in given}
            operation = () if self.op == "conv" else (self.function,)
            layer = fastconv.prepare(*operation, *rest, **first, **said)
            if way == "layer":
                return layer
            if way == "layer plan":
                assert repr(layer).startswith("prepare(")
                return layer.plan(x, **given)
            if way == "shared":
                return self.layer(x, **given)
        if way == "pickled":
            layer = pickle.loads(pickle.dumps(layer))
        if way == "reused":
            for other in others(self.plain["input"], self.op in IMAGES):
                with suppress(TypeError, ValueError):
                    layer(other, **given)
                self.restore()
        for value in said.values():
            if type(value) is list:
                value.clear()
            elif type(value) is np.ndarray and value.ndim:
                value[:] = 0
        alone = not any("over" in array for array in map(self.case.get, self.views) if array)
        kept = {name: self.views[name].copy() for name in (*KERNELS, "bias", "first_bias")
                if alone and name in self.views and "page" not in self.case[name]
                and self.views[name].flags.writeable}  # fmt: skip
        for name in kept:
            self.views[name][...] = 0
        try:
            with fastconv.settings(isa=self.case.get("isa")):
                return layer(x, **given)
        finally:
            for name, values in kept.items():
                self.views[name][...] = values

    def restore(self):
        """The memory as it was, where it may be written."""
        for memory, kept, own in zip(self.memory, self.kept, self.own, strict=True):
            memory[own] = kept[own]

    def result(self, way="call", **changed):
        """The result, once it is known that nothing else was written."""
        got = self.run(way, **changed)
        arrays = got if isinstance(got, tuple) else (got,)
        for name, array in zip(OUTS, arrays, strict=False):
            out = self.given.get(name)
            if out is not None and array is not out:
                raise Mismatch(f"{way}: returns another array than out")
            if type(array) is not np.ndarray and type(array) is not type(out):
                raise Mismatch(f"{way}: returns a {type(array).__name__}")
        self.unchanged(way, self.own)
        arrays = tuple(np.array(array, native(array.dtype)) for array in arrays)
        return arrays if isinstance(got, tuple) else arrays[0]

    def unchanged(self, what, but=None):
        for at, (memory, kept) in enumerate(zip(self.memory, self.kept, strict=True)):
            changed = memory != kept
            if but is not None:
                changed &= ~but[at]
            if changed.any():
                raise Mismatch(f"{what}: {np.count_nonzero(changed)} bytes beside out changed")


def said_of(case):
    said = dict(case["said"])
    if said.get("dtype") == "bf16":
        said["dtype"] = as_dtype("bf16")
    return said


def same_bits(got, base, what):
    """But for the sign of a zero and what a NaN holds."""
    if isinstance(base, tuple):
        for word, *both in zip(("values", "indices"), got, base, strict=True):
            same_bits(*both, f"{what}, {word}")
        return
    if got.shape != base.shape or got.dtype != base.dtype:
        raise Mismatch(f"{what}: {got.shape} {got.dtype}, one call gives {base.shape} {base.dtype}")
    same = (got == base) | ((got != got) & (base != base))
    if got.dtype.kind == "c":
        a, b = (np.stack([c.real, c.imag]) for c in (got, base))
        same = ((a == b) | ((a != a) & (b != b))).all(0)
    if not same.all():
        at = tuple(int(i) for i in np.argwhere(~same)[0])
        raise Mismatch(f"{what}: {got[at]} at {at}, one call gives {base[at]}; "
                       f"{np.count_nonzero(~same)} of {same.size} differ")  # fmt: skip
