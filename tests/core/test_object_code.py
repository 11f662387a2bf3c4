# SPDX-License-Identifier: BSD-3-Clause
"""The object code of tiles: sums never leave the registers."""

import platform
import re
import shutil

import pytest
from ctables import objdump

from fastconv._core import table as extension

pytestmark = pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")
X86_64 = platform.machine().lower() in ("x86_64", "amd64")


def innermost_loops(code):
    """The instructions of each loop around multiply-adds that holds no smaller one."""
    lines = re.findall(r"^\s*([0-9a-f]+):\s*(.*)$", code, flags=re.MULTILINE)
    at = {int(address, 16): i for i, (address, _) in enumerate(lines)}
    loops = []
    for i, (_, words) in enumerate(lines):
        jump = re.match(r"j\w+\s+([0-9a-f]+)", words)
        first = at.get(int(jump[1], 16)) if jump else None
        if first is not None and first <= i:
            body = [words for _, words in lines[first : i + 1]]
            if any("vfmadd" in words for words in body):
                loops.append((first, i, body))
    return [
        body
        for a, b, body in loops
        if not any(a <= c and d <= b and (a, b) != (c, d) for c, d, _ in loops)
    ]


def loops_of(name):
    """The innermost loops of a function; rbp only where it points into the stack."""
    code = objdump("-d", "--no-show-raw-insn")
    found = re.search(rf"^[0-9a-f]+ <{name}>:\n(.*?)(?:\n\n|\Z)", code, re.MULTILINE | re.DOTALL)
    assert found, f"{name} is not in {extension.__file__}"
    framed = re.search(r"\b(mov +%rsp,%rbp|lea +0x\w+\(%rsp\),%rbp)$", found[1], re.MULTILINE)
    # A function without a frame may keep any address there.
    return innermost_loops(found[1] if framed else found[1].replace("%rbp", "%raddress"))


@pytest.mark.skipif(not X86_64, reason="the tiles of x86-64")
@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize(
    ("isa", "tile", "rows", "width"),
    [
        ("avx512", "tile", 14, 2),
        ("avx512", "tile", 6, 4),
        ("avx512", "tile", 14, 1),
        ("avx512", "tile_strided", 14, 2),
        ("avx2", "tile", 6, 2),
        ("avx2", "tile", 2, 4),
        ("avx2", "tile_strided", 6, 2),
    ],
)
def test_sums_stay_in_registers(isa, tile, rows, width, dtype):
    name = f"{rows}x{width}_{dtype}_{isa}"
    loops = loops_of(f"{tile}_{name}")
    # Loops of all rows, and for each trim.
    sums = {sum("vfmadd" in line for line in loop) for loop in loops}
    assert sums == {width * (rows - trim) for trim in range(4) if trim < rows}
    if extension.compiler().startswith("clang"):  # see FC_TILE_OF
        loops += loops_of(f"{tile}_short_{name}")
    for loop in loops:
        stack = [line for line in loop if re.search(r"\(%r[sb]p\b", line)]
        if tile == "tile_strided":  # many addresses: one may be read again, but not a sum
            stack = [line for line in stack if not re.match(r"mov +-?\w+\(%r[sb]p\),%r\w+$", line)]
        assert not stack, stack


@pytest.mark.skipif(not X86_64, reason="the tiles of x86-64")
@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("way", ["spread", "whole"])
@pytest.mark.parametrize(
    ("isa", "name", "pixels", "rows"),
    [
        ("avx512", "wide", 14, 2),
        ("avx512", "narrow", 8, 2),
        ("avx2", "wide", 12, 1),
        ("avx2", "narrow", 8, 1),
    ],
)
def test_sums_of_groups_stay_in_registers(isa, name, pixels, rows, way, dtype):
    loops = loops_of(f"grouped_{name}_{way}_{dtype}_{isa}")
    sums = {sum("vfmadd" in line for line in loop) for loop in loops}
    assert sums == {pixels * some for some in range(1, rows + 1)}
    for loop in loops:
        stack = [line for line in loop if re.search(r"\(%r[sb]p\b", line) and "mm" in line]
        assert not stack, stack
