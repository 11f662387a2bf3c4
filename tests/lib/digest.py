# SPDX-License-Identifier: BSD-3-Clause
"""A digest of the results of some thousand calls: a change of any bit shows.

    python tests/lib/digest.py           print the digests of this build
    python tests/lib/digest.py --write   note them in digest.json, after a wanted change of bits

The promise of equal bits is for one algorithm, ISA and build, so digests are kept by ISA and
compiler. `direct` and `im2col_gemm` have the same.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

import fastconv
from fastconv.cli.info import usable_isas

NOTED = Path(__file__).with_suffix(".json")
CONV = {1: fastconv.conv1d, 2: fastconv.conv2d, 3: fastconv.conv3d}
PARTS, CALLS = 8, 150  # of each part
REAL = ("f4", "f8", "f2", "i1", "u1", "i2", "i4", "i8", "u8")
MODES = ("constant", "edge", "wrap", "mirror", "symmetric")
ACTIVATIONS = (None, "relu", "relu6", ("leaky_relu", 0.1), ("clip", -1, 2.5), "sigmoid", "tanh",
               "silu", "gelu", "hardswish")  # fmt: skip


def compiler():
    from fastconv.cli.info import collect

    name, version, *_ = collect(speed=False)["compiler"].split()
    return f"{name} {version.split('.')[0]}"


def numbers(rng, shape, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        low, high = (0, 200) if dtype.kind == "u" else (-100, 100)
        return rng.randint(low, high, shape).astype(dtype)
    values = rng.uniform(-2, 2, shape)
    if dtype.kind == "c":
        values = values + 1j * rng.uniform(-2, 2, shape)
    return values.astype(dtype)


def call(rng):
    """A random call: (rank, input, weight, keywords)."""
    rank = rng.randint(1, 4)
    groups = rng.choice([1, 1, 1, 2, 3])
    c_in, c_out = (int(rng.randint(1, 20 if groups == 1 else 6)) for _ in range(2))
    if rng.rand() < 0.2:
        c_in = int(rng.randint(20, 130))
    sizes = [int(rng.randint(3, (60, 16, 8)[rank - 1])) for _ in range(rank)]
    kernel = [int(rng.randint(1, min(n, (12, 6, 4)[rank - 1]) + 1)) for n in sizes]
    source = str(rng.choice(["c8", "c16"]) if rng.rand() < 0.15 else rng.choice(REAL))
    weight = source if rng.rand() < 0.7 else "f4"
    whole = np.dtype(source).kind in "iu" and np.dtype(weight).kind in "iu"
    kind = "i" if whole else np.result_type(np.dtype(source), np.dtype(weight)).kind
    said = {
        "stride": int(rng.randint(1, 4)),
        "dilation": int(rng.choice([1, 1, 2])),
        "groups": int(groups),
        "padding_mode": str(rng.choice(MODES)),
        "channels_last": bool(rng.rand() < 0.4),
        "flip": bool(rng.rand() < 0.3),
    }
    spread = [said["dilation"] * (k - 1) for k in kernel]
    said["padding"] = tuple((s // 2 + int(rng.randint(0, 2)), s - s // 2) for s in spread)
    if kind == "f":
        said["activation"] = ACTIVATIONS[rng.randint(0, len(ACTIVATIONS))]
        said["alpha"] = float(rng.choice([1, 1, -0.75]))
    elif whole and rng.rand() < 0.5:
        said |= {"activation": "relu", "dtype": "u1", "overflow": "saturate"}
    shape = [int(rng.randint(1, 3)), c_in * groups, *sizes]
    if said["channels_last"]:
        shape = [shape[0], *sizes, shape[1]]
    x = numbers(rng, shape, source)
    w = numbers(rng, (c_out * groups, c_in, *kernel), weight)
    if rng.rand() < 0.5:
        said["bias"] = numbers(rng, len(w), {"i": "i4", "f": "f4", "c": "c8"}[kind])
    return rank, x, w, said


def digest(isa, algorithm, part):
    """The digest of one part of the calls."""
    rng = np.random.RandomState(part)
    hashed = hashlib.sha256()
    with fastconv.settings(isa=isa, algorithm=algorithm):
        for _ in range(CALLS):
            rank, x, w, said = call(rng)
            y = np.ascontiguousarray(CONV[rank](x, w, **said))
            if y.dtype.kind in "fc":  # the sign of a zero is not promised
                y = np.where(np.isnan(y), np.nan, y) + y.dtype.type(0)
            hashed.update(f"{y.shape} {y.dtype.str}".encode())
            hashed.update(y.tobytes())
    return hashed.hexdigest()[:16]


def noted():
    """The digests by ISA and compiler: one for each part."""
    return json.loads(NOTED.read_text()) if NOTED.exists() else {}


if __name__ == "__main__":
    found = {
        f"{isa}, {compiler()}": [digest(isa, "direct", part) for part in range(PARTS)]
        for isa in usable_isas()
    }
    print(json.dumps(found, indent=1))
    if "--write" in sys.argv[1:]:
        NOTED.write_text(json.dumps(noted() | found, indent=1, sort_keys=True) + "\n")
