# SPDX-License-Identifier: BSD-3-Clause
"""The lists of who is timed."""

from __future__ import annotations

from .arrays import NumPy, OpenCv, SciPy
from .base import FastConv, Prepared, Rival
from .networks import OnnxRuntime, OpenVino, Torch, TorchChannelsLast

__all__ = ["EVERYONE", "OURS", "PLAIN", "RIVALS"]

OURS: dict[str, type[Rival]] = {"fastconv": FastConv, "prepared": Prepared}
# fastconv on `Case.plain`, to tell what a feature costs: nobody's rival
PLAIN: dict[str, type[Rival]] = {"plain": FastConv, "plain-prepared": Prepared}
RIVALS: dict[str, type[Rival]] = {
    "torch": Torch,
    "torch-cl": TorchChannelsLast,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "opencv": OpenCv,
    "numpy": NumPy,
    "scipy": SciPy,
}
EVERYONE = OURS | PLAIN | RIVALS
