# SPDX-License-Identifier: BSD-3-Clause
"""What the scripts beside this file share: arguments, a time, a digest of the result's bytes."""

import argparse
import hashlib
import time
from collections.abc import Callable

import numpy as np


def main(compute: Callable, picture: Callable) -> None:
    """Compute a result of a picture some times, and print the shortest time and the digest."""
    parser = argparse.ArgumentParser(description=compute.__doc__)
    parser.add_argument("--size", type=int, help="pixels a side of the part that is taken")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--save", metavar="FILE", help="write the result as .npy")
    said = parser.parse_args()
    image = np.ascontiguousarray(picture()[: said.size, : said.size])
    seconds = []
    for _ in range(said.repeats):
        begin = time.perf_counter()
        result = compute(image)
        seconds.append(time.perf_counter() - begin)
    if said.save:
        np.save(said.save, result)
    digest = hashlib.sha256(np.ascontiguousarray(result).tobytes()).hexdigest()
    print(f"{min(seconds) * 1e3:.1f} ms, bytes {digest[:16]}")
