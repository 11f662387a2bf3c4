# SPDX-License-Identifier: BSD-3-Clause
"""The C kernel of the epilogue of rows of sums: what it adds, how it converts, its activations."""

import math
import shutil

import numpy as np
import pytest
from ctables import (
    BYTES,
    Epilogue,
    loaded,
    numbers_of,
    small_integers,
    storages,
    stored,
)

from fastconv._core import table as extension

pytestmark = pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")


real = pytest.mark.parametrize("table", ["f4", "f8"], indirect=True)
integers = pytest.mark.parametrize("table", ["i4", "i8"], indirect=True)

OWN = {"f4": "F32", "f8": "F64", "i4": "I32", "i8": "I64"}


def epilogue_row(table, dst, src, *, residual=None, bias=None, bias_step=0, activation="NONE",
                 alpha=1, beta=0, low=0, high=0, saturate=0, **said):  # fmt: skip
    """`dst` gets as many numbers of `src` as it has, both of the table's own kind or another."""
    own = extension.KINDS[OWN[table.dtype.str[1:]]]
    kinds = (said.get(f"{name}_storage", own) for name in ("sum", "dst", "residual"))
    how = Epilogue(extension.ACTIVATIONS[activation], saturate, *kinds)
    for name, value in (("alpha", alpha), ("beta", beta), ("low", low), ("high", high)):
        setattr(how, f"{'real' if table.dtype.kind == 'f' else 'integer'}_{name}", value)
    step = 0 if residual is None else residual.strides[0]
    table.call("epilogue", how, dst, dst.strides[0], src, src.strides[0], residual, step,
               bias, bias_step, len(dst))  # fmt: skip


def narrowed(numbers, kind, saturate):
    """Whole numbers in an array of that kind."""
    if kind[0] not in "UI":
        return numbers
    limits = np.iinfo(BYTES[kind])
    return numbers.clip(limits.min, limits.max) if saturate else numbers.astype(BYTES[kind])


@pytest.mark.parametrize("bias_step", [None, 0, 1])
def test_epilogue(table, dtype, bias_step):
    """alpha * sum + bias + beta * out + residual, of any kind, step and byte order."""
    rng = np.random.default_rng(7)
    bias = None if bias_step is None else small_integers(rng, 300, dtype)
    added = 0 if bias is None else bias.astype("i8") if bias_step else int(bias[0])
    turns = [(1, 0, 0), (2, 0, 1), (1, -3, 0), (-2, 2, 1), (1, 0, 2), (1, 1, 3)]
    for kind, storage in storages(dtype):
        for turn, (alpha, beta, addend) in enumerate(turns):
            for count in (1, 17, 128, 300):
                sums, old, other = (rng.integers(-9, 10, count) for _ in range(3))
                old, other = (abs(each) if kind[0] == "U" else each for each in (old, other))
                other_kind = OWN[dtype.str[1:]] if addend == 3 else kind
                other_storage = extension.KINDS[other_kind] if addend == 3 else storage
                large = stored(np.full(4 * count, 7), kind, storage)
                dst = large[:: 1 + addend][:count]
                dst[...] = stored(old, kind, storage)
                src = np.repeat(sums, 1 + turn % 2).astype(dtype)[:: 1 + turn % 2]
                saturate = turn % 2
                epilogue_row(
                    table, dst, src, alpha=alpha, beta=beta, saturate=saturate,
                    dst_storage=storage, residual_storage=other_storage,
                    residual=stored(other, other_kind, other_storage) if addend else None,
                    bias=bias, bias_step=bias_step or 0,
                )  # fmt: skip
                total = alpha * sums + (added[:count] if bias_step else added)
                total = total + beta * old + (other if addend else 0)
                expected = narrowed(total, kind, saturate or dtype.kind == "f")
                np.testing.assert_array_equal(loaded(dst, kind), expected)
                beside = np.delete(large, np.arange(count) * (1 + addend))
                np.testing.assert_array_equal(loaded(beside, kind), 7)


def test_epilogue_in_place(table, dtype):
    """Sums that lie where they belong, side by side and apart, and are their own residual."""
    rng = np.random.default_rng(8)
    for count in (1, 31, 128, 129, 300):
        for step in (1, 2):
            memory = small_integers(rng, count * step, dtype)
            sums, old = memory[::step], memory.copy()
            epilogue_row(table, sums, sums, alpha=2, bias=np.ones(1, dtype), activation="RELU")
            np.testing.assert_array_equal(sums, np.maximum(2 * old[::step] + 1, 0))
            if step == 2:
                np.testing.assert_array_equal(memory[1::2], old[1::2])
        old = small_integers(rng, count, dtype)
        dst, src = old.copy(), small_integers(rng, count, dtype)
        epilogue_row(table, dst, src, residual=dst)
        np.testing.assert_array_equal(dst, src + old)


def test_epilogue_of_sums_of_any_kind(table, dtype):
    rng = np.random.default_rng(9)
    for kind, storage in storages(dtype):
        sums = numbers_of(kind, 300, rng)
        dst = np.empty(300, dtype)
        epilogue_row(table, dst, stored(sums, kind, storage), sum_storage=storage, alpha=3)
        np.testing.assert_array_equal(dst, 3 * sums)


ACTIVATIONS = {
    "NONE": lambda x: x,
    "RELU": lambda x: max(x, 0.0),
    "CLIP": lambda x: min(max(x, -2.0), 3.0),
    "LEAKY_RELU": lambda x: x if x >= 0 else -2.0 * x,
    "SIGMOID": lambda x: 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x)),
    "TANH": math.tanh,
    "SILU": lambda x: x * ACTIVATIONS["SIGMOID"](x),
    "GELU": lambda x: x * math.erfc(-x / math.sqrt(2)) / 2,
    "HARDSWISH": lambda x: x * min(max(x + 3, 0.0), 6.0) / 6,
}


@real
@pytest.mark.parametrize("name", extension.ACTIVATIONS)
def test_activations(table, dtype, name):
    x = np.concatenate([np.linspace(-12, 12, 997), [0, -3, 3, 1e-7, -1e-7, 60, -60]]).astype(dtype)
    got = np.empty_like(x)
    epilogue_row(table, got, x, activation=name, low=-2, high=3)
    expected = np.array([ACTIVATIONS[name](float(each)) for each in x])
    near = max(8 * np.finfo(dtype).eps, 1e-13 if name == "GELU" else 0)  # what erfc is good for
    np.testing.assert_allclose(got, expected, rtol=near, atol=np.finfo(dtype).tiny)
    bad = np.full(3, np.nan, dtype)
    epilogue_row(table, bad, bad.copy(), activation=name, low=-2, high=3)
    assert np.isnan(bad).all()


@integers
def test_activations_of_integers(table, dtype):
    x = np.arange(-150, 150, dtype=dtype)
    for name, expected in (("RELU", x.clip(0)), ("CLIP", x.clip(-7, 99)), ("NONE", x)):
        got = np.empty_like(x)
        epilogue_row(table, got, x, activation=name, low=-7, high=99)
        np.testing.assert_array_equal(got, expected)


@real
def test_real_sums_become_integers(table, dtype):
    """The nearest, halves to even; what is beyond saturates; NaN becomes 0."""
    rng = np.random.default_rng(10)
    edges = [sign * 2.0**n + d for sign in (1, -1) for n in (7, 8, 15, 16, 31, 32, 63, 64)
             for d in (-1.5, -1, -0.5, 0, 0.5, 1)]  # fmt: skip
    halves = np.arange(-300, 300) / 2
    x = np.array([*edges, *halves, *rng.normal(0, 3e4, 99), np.inf, -np.inf, 1e30, -1e30], dtype)
    for kind, storage in storages(dtype):
        if kind[0] not in "UI":
            continue
        limits = np.iinfo(BYTES[kind])
        expected = [
            limits.max if each >= limits.max else max(limits.min, round(float(each)))
            if np.isfinite(each) else limits.min for each in x
        ]  # fmt: skip
        got = np.empty(len(x), stored([0], kind, storage).dtype)
        epilogue_row(table, got, x, dst_storage=storage)
        assert got.tolist() == expected
        epilogue_row(table, got[:1], np.full(1, np.nan, dtype), dst_storage=storage)
        assert got[0] == 0


@integers
@pytest.mark.parametrize("saturate", [0, 1])
def test_integers_wrap_or_saturate(table, dtype, saturate):
    edges = {sign * 2**n + d for sign in (1, -1) for n in (7, 8, 15, 16, 31, 32, 63)
             for d in (-1, 0, 1)}  # fmt: skip
    limits = np.iinfo(dtype)
    x = np.array([n for n in sorted(edges) if limits.min <= n <= limits.max], dtype)
    for kind, storage in storages(dtype):
        got = np.empty(len(x), stored([0], kind, storage).dtype)
        epilogue_row(table, got, x, dst_storage=storage, saturate=saturate)
        low, high = np.iinfo(BYTES[kind]).min, np.iinfo(BYTES[kind]).max
        expected = [min(max(n, low), high) for n in x.tolist()] if saturate else x.astype(got.dtype)
        np.testing.assert_array_equal(got, np.array(expected, got.dtype))


def rounded(x, digits, least):
    """Doubles to so many binary digits, halves to even; `least`: exponent of normal numbers."""
    exponent = np.maximum(np.frexp(x)[1], least)
    return np.ldexp(np.rint(np.ldexp(x, digits - exponent)), exponent - digits)


@real
def test_real_sums_become_half_precision(table, dtype):
    """Rounded once, also from double: to the nearest, halves to even."""
    rng = np.random.default_rng(11)
    x = rng.standard_normal(4000) * 2.0 ** rng.integers(-30, 20, 4000)
    ties = np.arange(1, 4096) / 256  # half way between two, or near it
    wide = [2.0**-126, 2.0**-133, 2.0**-134, 3e38, 65519, 65520, 65536]
    x = np.concatenate([x, ties, -ties, ties * (1 + 2.0**-40), ties * (1 - 2.0**-40), wide])
    x = np.append(x, [np.inf, -np.inf, 0.0]).astype(dtype)
    wide = x.astype("f8")
    for kind, digits, least, beyond in (("F16", 11, -13, 65536), ("BF16", 8, -125, 2.0**128)):
        expected = rounded(wide, digits, least)
        expected = np.where(abs(expected) >= beyond, np.copysign(np.inf, expected), expected)
        for storage in (s for name, s in storages(dtype) if name == kind):
            got = np.empty(len(x), stored([0], kind, storage).dtype)
            epilogue_row(table, got, x, dst_storage=storage)
            np.testing.assert_array_equal(loaded(got, kind), expected)


@real
def test_half_precision(table, dtype):
    """Every float16 and bfloat16 there is, into the dtype of the table and back."""
    bits = np.arange(2**16, dtype="u2")
    for kind, expected in [
        ("F16", bits.view("f2")),
        ("BF16", (bits.astype("u4") << 16).view("f4")),
    ]:
        storage, got = extension.KINDS[kind], np.empty(2**16, dtype)
        table.call("copy_row", got, 0, 2**16, 0, bits, 2, storage, np.zeros(1, dtype))
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))
        back = np.empty_like(bits)
        epilogue_row(table, back, got, dst_storage=storage)
        numbers = ~np.isnan(expected)
        np.testing.assert_array_equal(back[numbers], bits[numbers])
        assert np.isnan(loaded(back.view("f2") if kind == "F16" else back, kind)[~numbers]).all()
