# SPDX-License-Identifier: BSD-3-Clause
"""The libraries that are timed: one class each, one list. Imported in the workers only.

A rival is made once per process with its thread number, and builds for a case a function of no
arguments that computes it and returns a new array. `Lacking` says why it cannot.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .cases import Case

Call = Callable[[], Any]


class Lacking(Exception):
    """This rival does not offer the case, or would need `estimate` seconds; the text says why."""

    def __init__(self, reason: str, estimate: float | None = None) -> None:
        super().__init__(reason)
        self.estimate = estimate


class Rival:
    """A library, imported and limited to `threads` threads (ImportError: not installed)."""

    version = ""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def build(self, case: Case, x: np.ndarray, w: np.ndarray, b: np.ndarray, limit: float) -> Call:
        """A call that computes the case; `Lacking` if it would take more than `limit` seconds."""
        raise NotImplementedError


class FastConv(Rival):
    """One call of `fastconv.conv1d`, `conv2d` or `conv3d` with plain arrays."""

    def __init__(self, threads: int) -> None:
        sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the parent's own fastconv
        import fastconv

        fastconv.set_num_threads(threads)
        super().__init__(threads)
        self.module = fastconv
        self.version = fastconv.__version__

    def build(self, case, x, w, b, limit):
        function, params = getattr(self.module, f"conv{case.rank}d"), case.params
        return lambda: function(x, w, b, **params)

    def peak(self, dtype: str, isa: str | None, seconds: float) -> tuple[str, float]:
        """The ISA and its FMA peak in FLOP/s; without an ISA, the best one."""
        from fastconv.kernels import measure, table

        isas = (isa,) if isa else table.isas_usable()
        peaks = {name: measure.fma_peak(name, dtype, self.threads, seconds) for name in isas}
        return max(peaks.items(), key=lambda item: item[1])


class Prepared(FastConv):
    """`fastconv.prepare` outside of the timing, its call inside."""

    def build(self, case, x, w, b, limit):
        prepared = self.module.prepare(w, b, **case.params)
        return lambda: prepared(x)


class NumPy(Rival):
    """What one writes in NumPy: windows, one matrix of them, one product (im2col)."""

    version = np.__version__

    def build(self, case, x, w, b, limit):
        border = [(0, 0), (0, 0), *((p, p) for p in case.padding)]
        extent = [d * (k - 1) + 1 for k, d in zip(case.kernel, case.dilation, strict=True)]
        step = (..., *(slice(None, None, s) for s in case.stride))
        step += tuple(slice(None, None, d) for d in case.dilation)
        spatial = tuple(range(2, 2 + case.rank))
        # (N, C, out..., k...) -> (N, C, k..., out...) -> (N, G, C/G * k, out)
        order = (0, 1, *range(2 + case.rank, 2 + 2 * case.rank), *spatial)
        shape = (case.batch, case.groups, math.prod(case.weight_shape[1:]), -1)
        matrix = w.reshape(case.groups, case.c_out // case.groups, -1)
        bias = b.reshape(-1, *[1] * case.rank)

        def call() -> np.ndarray:
            windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, border), extent, spatial)
            columns = windows[step].transpose(order).reshape(shape)
            y = (matrix @ columns).reshape(case.output_shape)
            y += bias
            return y

        return call


class SciPy(Rival):
    """`scipy.signal.correlate` per image and output channel; `scipy.ndimage` for one channel."""

    def __init__(self, threads: int) -> None:
        import scipy

        super().__init__(threads)
        self.version = scipy.__version__

    def build(self, case, x, w, b, limit):
        if case.c_in == case.c_out == 1 and set(case.stride + case.dilation) == {1}:
            return self.filter(case, x, w, b)
        return self.correlate(case, x, w, b, limit)

    def filter(self, case, x, w, b):
        from scipy import ndimage

        if case.padding != tuple(k // 2 for k in case.kernel) or case.batch > 1:
            raise Lacking("one image, centred kernel only")
        plane, kernel, bias = x[0, 0], w[0, 0], b[0]
        return lambda: (ndimage.correlate(plane, kernel, mode="constant") + bias)[None, None]

    def correlate(self, case, x, w, b, limit):
        from scipy import signal

        border = [(0, 0), *((p, p) for p in case.padding)]
        extent = [d * (k - 1) + 1 for k, d in zip(case.kernel, case.dilation, strict=True)]
        kernels = np.zeros((*case.weight_shape[:2], *extent), case.dtype)
        kernels[(..., *(slice(None, None, d) for d in case.dilation))] = w
        step = tuple(slice(None, None, s) for s in case.stride)
        depth = case.c_in // case.groups

        def channel(image: np.ndarray, o: int) -> np.ndarray:
            first = o // (case.c_out // case.groups) * depth
            part = image[first : first + depth]
            return signal.correlate(part, kernels[o], "valid")[(0, *step)] + b[o]

        def call(batch: int = case.batch, c_out: int = case.c_out) -> np.ndarray:
            images = [np.pad(image, border) for image in x[:batch]]
            return np.stack([np.stack([channel(i, o) for o in range(c_out)]) for i in images])

        start = time.perf_counter()
        call(1, 1)
        seconds = (time.perf_counter() - start) * case.batch * case.c_out
        if seconds > limit:
            raise Lacking("too slow for the time given, estimated from one channel", seconds)
        return call


class Torch(Rival):
    """`torch.nn.functional.conv*` on contiguous tensors, no gradients, strict float32."""

    def __init__(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision("highest")
        torch.inference_mode().__enter__()
        super().__init__(threads)
        self.torch = torch
        self.version = torch.__version__

    def formats(self) -> dict:
        return dict.fromkeys((1, 2, 3), self.torch.contiguous_format)

    def build(self, case, x, w, b, limit):
        layout = self.formats().get(case.rank)
        if layout is None:
            raise Lacking(f"no channels_last for {case.rank}-D")
        x, w = (self.torch.from_numpy(a).contiguous(memory_format=layout) for a in (x, w))
        b, params = self.torch.from_numpy(b), case.params
        function = getattr(self.torch.nn.functional, f"conv{case.rank}d")
        return lambda: function(x, w, b, **params)


class TorchChannelsLast(Torch):
    """The same on channels_last tensors, converted outside of the timing."""

    def formats(self):
        return {2: self.torch.channels_last, 3: self.torch.channels_last_3d}


def onnx_model(case: Case, w: np.ndarray, b: np.ndarray) -> bytes:
    """A serialized ONNX model of one Conv, weight and bias inside."""
    from onnx import helper, numpy_helper

    kind = helper.np_dtype_to_tensor_dtype(np.dtype(case.dtype))
    node = helper.make_node(
        "Conv", ["x", "w", "b"], ["y"],
        kernel_shape=case.kernel, strides=case.stride, dilations=case.dilation,
        pads=case.padding * 2, group=case.groups,
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "conv",
        [helper.make_tensor_value_info("x", kind, case.input_shape)],
        [helper.make_tensor_value_info("y", kind, case.output_shape)],
        [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b, "b")],
    )
    opset = helper.make_opsetid("", 13)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()


class OnnxRuntime(Rival):
    """A one-node model, weights packed at load; `run` returns a new array without a copy."""

    def __init__(self, threads: int) -> None:
        import onnx  # noqa: F401  (builds the model)
        import onnxruntime

        super().__init__(threads)
        self.module = onnxruntime
        self.version = onnxruntime.__version__

    def build(self, case, x, w, b, limit):
        if case.dtype != "float32":
            raise Lacking(f"has no {case.dtype} Conv")
        options = self.module.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        session = self.module.InferenceSession(
            onnx_model(case, w, b), options, providers=["CPUExecutionProvider"]
        )
        return lambda: session.run(None, {"x": x})[0]


class OpenVino(Rival):
    """The same model compiled for the CPU in float32, called in the documented way.

    Its output is new, as everyone's: a copy of the engine's own, which the next call overwrites.
    (Setting a new output tensor before each call was measured to be slower than that copy.)
    """

    def __init__(self, threads: int) -> None:
        import onnx  # noqa: F401  (builds the model)
        import openvino

        super().__init__(threads)
        self.module = openvino
        self.version = openvino.__version__

    def build(self, case, x, w, b, limit):
        if case.dtype != "float32":
            raise Lacking(f"computes {case.dtype} in float32")
        core = self.module.Core()
        compiled = core.compile_model(
            core.read_model(onnx_model(case, w, b)),
            "CPU",
            {
                "INFERENCE_NUM_THREADS": self.threads,
                "INFERENCE_PRECISION_HINT": "f32",
                "PERFORMANCE_HINT": "LATENCY",
            },
        )
        return lambda: compiled(x, share_inputs=True)[0]


class OpenCv(Rival):
    """`cv2.filter2D` with a zero border: one channel, two dimensions."""

    def __init__(self, threads: int) -> None:
        import cv2

        cv2.setNumThreads(threads)
        super().__init__(threads)
        self.module = cv2
        self.version = cv2.__version__

    def build(self, case, x, w, b, limit):
        centred = case.padding == tuple(k // 2 for k in case.kernel)
        one = case.batch == case.c_in == case.c_out == 1
        if case.rank != 2 or not one or set(case.stride + case.dilation) != {1} or not centred:
            raise Lacking("one channel, two dimensions only")
        plane, kernel, bias = x[0, 0], w[0, 0], float(b[0])
        filter2d, border = self.module.filter2D, self.module.BORDER_CONSTANT
        return lambda: filter2d(plane, -1, kernel, delta=bias, borderType=border)[None, None]


OURS = {"fastconv": FastConv, "prepared": Prepared}
RIVALS: dict[str, type[Rival]] = OURS | {
    "torch": Torch,
    "torch-cl": TorchChannelsLast,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "opencv": OpenCv,
    "numpy": NumPy,
    "scipy": SciPy,
}
