# SPDX-License-Identifier: BSD-3-Clause
"""Runs the scripts beside this file, plain and with SciPy patched: the bytes must be the same.

    python examples/patched/compare.py [--rounds 5] [--size N] [--picture FILE]

Each run is a process of its own, and both ways take turns. Needed: fastconv, scikit-image, and
matplotlib for the picture.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import fastconv

FOLDER = Path(__file__).resolve().parent
TITLES = {
    "canny": "Canny edges",
    "bands": "difference of Gaussians",
    "similarity": "structural similarity",
    "threshold": "local threshold",
    "vessels": "Frangi vessels",
}
WAYS = {"plain": (), "patched": ("-m", "fastconv", "patch")}


def run(name, way, words=()):
    """(milliseconds, digest) of a script."""
    command = [sys.executable, *WAYS[way], str(FOLDER / f"{name}.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER)
    found = re.search(r"([\d.]+) ms, bytes (\w+)", done.stdout)
    if done.returncode or not found:
        sys.exit(f"{name}.py, {way}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return float(found[1]), found[2]


def compare(rounds, words=()):
    """{script: {way: least milliseconds}}; the bytes of both ways are the same, or this ends."""
    times = {}
    for name in TITLES:
        runs = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way in WAYS:
                runs[way].append(run(name, way, words))
        digests = {digest for way in WAYS for _, digest in runs[way]}
        if len(digests) != 1:
            sys.exit(f"{name}.py gives other bytes with the patch")
        times[name] = {way: min(time for time, _ in runs[way]) for way in WAYS}
    return times


def table(times):
    """The lines of a table."""
    yield f"{'script':<16}{'plain':>10}{'patched':>10}{'ratio':>8}"
    for name, found in times.items():
        plain, patched = found["plain"], found["patched"]
        yield f"{name + '.py':<16}{plain:>7.1f} ms{patched:>7.1f} ms{plain / patched:>8.2f}"


def picture(times, path):
    """The middle of each result, and how long both ways took."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 3.3), layout="constrained")
    axes = figure.subplots(1, len(times), squeeze=False)[0]
    with tempfile.TemporaryDirectory() as folder:
        for where, (name, found) in zip(axes, times.items(), strict=True):
            file = os.path.join(folder, "result.npy")
            run(name, "patched", ["--repeats", "1", "--save", file])
            where.imshow(shown(np.load(file)), cmap="gray")
            plain, patched = found["plain"], found["patched"]
            where.set_title(
                f"{TITLES[name]}\n{plain:.0f} ms, patched {patched:.0f} ms", fontsize=11
            )
            where.set_xlabel(f"{plain / patched:.1f} times as fast, the same bytes", fontsize=10)
            where.set_xticks([])
            where.set_yticks([])
    figure.savefig(path, dpi=66)


def shown(result, side=400):
    """The middle of a result as gray levels, from dark to bright."""
    top, left = ((n - side) // 2 for n in result.shape[:2])
    part = result[top : top + side, left : left + side].astype(float)
    low, high = np.percentile(part, (1, 99)) if part.max() > part.min() else (0, 1)
    return np.clip((part - low) / ((high - low) or 1), 0, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", help="pixels a side, for a short run")
    parser.add_argument("--picture", metavar="FILE", help="draw the results and the times")
    said = parser.parse_args()
    times = compare(said.rounds, ["--size", said.size] if said.size else [])
    print(f"{fastconv.get_num_threads()} threads, the least of {said.rounds} rounds")
    print(*table(times), sep="\n")
    if said.picture:
        picture(times, said.picture)


if __name__ == "__main__":
    main()
