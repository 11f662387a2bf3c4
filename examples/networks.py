# SPDX-License-Identifier: BSD-3-Clause
"""What the networks of these examples have in common: weights, and the command line."""

import argparse
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np


def draw(random, *shape):
    """A weight (O, I, ...) and a bias (O), so that activations keep their size."""
    weight = random.standard_normal(shape, np.float32)
    weight *= np.float32(np.sqrt(2 / np.prod(shape[1:])))
    return weight, random.standard_normal(shape[0], np.float32) / 10


def as_tensors(weights):
    """The same with tensors of PyTorch, with channels last in memory, in place of arrays."""
    import torch

    if isinstance(weights, np.ndarray):
        tensor = torch.from_numpy(weights)
        return tensor.to(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
    if isinstance(weights, dict):
        return {name: as_tensors(value) for name, value in weights.items()}
    if isinstance(weights, (list, tuple)):
        return type(weights)(map(as_tensors, weights))
    return weights


def milliseconds(forward, image, rounds=20):
    """The shortest of several passes."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        forward(image)
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def run(script, size, make_weights, fastconv_forward, torch_forward):
    """The command line of a network, which takes images of (1, size, size, 3)."""
    parser = argparse.ArgumentParser(prog=script.rpartition("/")[2])
    parser.add_argument("--size", type=int, default=size, help="pixels of a side (%(default)s)")
    parser.add_argument("--time", action="store_true", help="print milliseconds, of PyTorch, too")
    what = "which library runs it; torch needs PyTorch (%(default)s)"
    parser.add_argument("--by", choices=("fastconv", "torch"), default="fastconv", help=what)
    said = parser.parse_args()
    if said.size < 32 or said.size % 32:
        parser.error(f"--size is {said.size}, but it must be a positive multiple of 32")
    if said.by == "torch" and not find_spec("torch"):
        parser.error("--by torch needs PyTorch: pip install torch")
    image = np.random.default_rng(1).random((1, said.size, said.size, 3), np.float32)
    make = {"fastconv": fastconv_forward, "torch": torch_forward}[said.by]
    forward = make(make_weights())
    result = forward(image)
    if not said.time:
        print(f"{image.shape} -> {tuple(result.shape)}")
        return
    print(f"{said.by:8} {milliseconds(forward, image):8.2f} ms", flush=True)
    if said.by == "fastconv" and find_spec("torch"):  # apart: each with its own threads
        words = [script, "--time", "--by", "torch", "--size", str(said.size)]
        subprocess.run([sys.executable, *words], check=True)
