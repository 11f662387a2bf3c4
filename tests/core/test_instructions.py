# SPDX-License-Identifier: BSD-3-Clause
"""Instructions that ten small calls take, against stored counts: a regression without a clock.

Callgrind counts one call of each case, the work in Python and in C, on one thread with AVX2 and
caches of a fixed size. The counts hold for a compiler, Python and NumPy; instructions.json keeps
them by that name. To store those of this environment, after a change that is meant:

    PYTHONPATH=tests/lib python tests/core/test_instructions.py
"""

import json
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from programs import python

from fastconv._core import table

STORED = Path(__file__).with_name("instructions.json")
MOST = 1.02  # times the stored count
UNDER = ("valgrind", "--tool=callgrind", "--dump-before=getppid",
         "--callgrind-out-file={folder}/out")  # fmt: skip

CASES = {
    "tiny 3x3": ((1, 1, 8, 8), (1, 1, 3, 3), {}),
    "first layer 7x7s2": ((1, 3, 48, 48), (32, 3, 7, 7), {"stride": 2, "padding": 3}),
    "wide 3x3": ((1, 24, 28, 28), (36, 24, 3, 3), {"padding": 1}),
    "small 3x3": ((1, 64, 7, 7), (64, 64, 3, 3), {"padding": 1}),
    "1x1": ((1, 64, 28, 28), (48, 64, 1, 1), {}),
    "1x1s2": ((1, 48, 28, 28), (48, 48, 1, 1), {"stride": 2}),
    "dilated 3x3": ((1, 24, 17, 17), (24, 24, 3, 3), {"padding": 6, "dilation": 6}),
    "one channel 5x5": ((1, 1, 120, 160), (1, 1, 5, 5), {"padding": 2}),
    "1-D k9": ((1, 16, 1024), (24, 16, 9), {"padding": 4}),
    "float64 3-D": ((1, 5, 9, 10, 11), (7, 5, 3, 3, 3), {"padding": 1}),
}

# Callgrind writes a part of its counts whenever getppid is called; the last but one part of a case
# is one call and nothing else.
PROGRAM = """
import gc, json, os, sys
import numpy as np, fastconv
from fastconv._plan import machine
conv = {3: fastconv.conv1d, 4: fastconv.conv2d, 5: fastconv.conv3d}
gc.disable()
with machine.assuming_caches(L1d=32 << 10, L2=1 << 20, L3=32 << 20):
    for name, (src, wei, said) in json.load(sys.stdin).items():
        dtype = "f8" if name.startswith("float64") else "f4"
        x, w = np.ones(src, dtype), np.ones(wei, dtype)
        call = conv[len(src)]
        for _ in range(3):
            call(x, w, threads=1, **said)
        os.getppid()
        call(x, w, threads=1, **said)
        os.getppid()
"""


def environment():
    """The name under which counts are stored."""
    numpy = ".".join(np.__version__.split(".")[:2])
    return f"{table.compiler()}, Python {platform.python_version()}, NumPy {numpy}"


def total(path):
    """Instructions in one part that callgrind wrote."""
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(("summary:", "totals:")):
            return int(line.split()[1])
    raise ValueError(f"{path} has no total")


def count():
    """Instructions of one call of each case."""
    with tempfile.TemporaryDirectory() as folder:
        under = [word.format(folder=folder) for word in UNDER]
        python("-c", PROGRAM, under=under, input=json.dumps(CASES), timeout=600,
               PYTHONHASHSEED="0", FASTCONV_ISA="avx2", OPENBLAS_NUM_THREADS="1")  # fmt: skip
        parts = sorted(Path(folder).glob("out.*"), key=lambda path: int(path.suffix[1:]))
        assert len(parts) >= 2 * len(CASES), parts
        return {name: total(parts[2 * i + 1]) for i, name in enumerate(CASES)}


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs valgrind")
@pytest.mark.skipif("avx2" not in table.isas_usable(), reason="needs AVX2")
def test_no_call_takes_more_instructions_than_it_did():
    stored = json.loads(STORED.read_text(encoding="utf-8")).get(environment())
    if stored is None:
        pytest.skip(f"no counts for {environment()}: {Path(__file__).name} tells how to store them")
    assert stored.keys() == CASES.keys()
    counts = count()
    more = {name: f"{counts[name] / stored[name] - 1:+.1%}" for name in CASES
            if counts[name] > MOST * stored[name]}  # fmt: skip
    assert not more, f"more instructions: {more}"


if __name__ == "__main__":
    known = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    known[environment()] = count()
    STORED.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    json.dump(known[environment()], sys.stdout, indent=1)
