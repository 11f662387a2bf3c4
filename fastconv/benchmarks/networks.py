# SPDX-License-Identifier: BSD-3-Clause
"""Rivals that run neural networks: PyTorch, ONNX Runtime, OpenVINO. Imported in workers only."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from .base import Lacking, Rival, seconds
from .case import ACTIVATIONS, Case

EPILOGUE = ("residual", *ACTIVATIONS)
FAMILIES = frozenset(
    {"conv", "conv_transpose", "max_pool", "avg_pool", "global_avg_pool", "interpolate"}
)
ONNX_PADS = {"mirror": "reflect", "edge": "edge", "wrap": "wrap"}


class Torch(Rival):
    """`torch.nn.functional.conv*` on contiguous tensors, no gradients, strict float32.

    A border is padded in the call; residual and activation are applied in place where there is a
    way. Integers are convolved in the floating point that holds their sums without rounding, as
    its own convolution of integers is one of few bits that wrap; float16 in float32 where that is
    faster, as it is on a CPU that does not compute in float16.
    """

    package = "torch"
    PADS = {"mirror": "reflect", "edge": "replicate", "wrap": "circular"}  # noqa: RUF012
    offers = frozenset({*PADS, *EPILOGUE, "float16", "complex64", "int8", "int16"})
    families = FAMILIES | {"adaptive_avg_pool", "max_unpool", "unfold", "fold"}

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

    def build(self, case, x, w, b, limit, residual=None):
        layout = self.formats().get(case.rank)
        if layout is None:
            raise Lacking(f"no channels_last for {case.rank}-D")

        def tensor(array: np.ndarray):
            array = np.moveaxis(array, -1, 1) if case.channels_last else array
            return self.torch.from_numpy(array).contiguous(memory_format=layout)

        x, residual = tensor(x), None if residual is None else tensor(residual)
        if case.operation.second != "weight":
            return self.unweighted(case, x, tensor(w) if w.ndim else None)
        w, b = self.torch.from_numpy(w).contiguous(memory_format=layout), self.torch.from_numpy(b)
        return self.with_epilogue(case, residual, self.convolution(case, x, w, b))

    def unweighted(self, case, x, indices):
        name, words = case.op, case.params
        if case.family == "global_avg_pool":
            name, words = f"adaptive_avg_pool{case.rank}d", {"output_size": 1}
        function = getattr(self.torch.nn.functional, name)
        if indices is not None:
            return lambda: function(x, indices, **words)
        return lambda: function(x, **words)

    def convolution(self, case, x, w, b):
        params, function = case.params, getattr(self.torch.nn.functional, case.op)
        if case.padding_mode != "constant":
            function, params["padding"] = self.padded(case, function), 0
        elif case.pads != tuple((p, p) for p in case.padding):
            function, params["padding"] = self.cut(case, function), [max(p) for p in case.pads]

        def direct():
            return function(x, w, b, **params)

        if case.kind.result == case.kind.plain or x.dtype.is_complex:
            return direct
        wide, result = self.wide(case), getattr(self.torch, case.kind.result)
        w_wide, b_wide = w.to(wide), b.to(wide)

        def converted():
            return function(x.to(wide), w_wide, b_wide, **params).to(result)

        return min((direct, converted), key=seconds) if x.dtype.is_floating_point else converted

    def padded(self, case, function):
        pad, mode = self.torch.nn.functional.pad, self.PADS[case.padding_mode]
        border = [p for pair in reversed(case.pads) for p in pair]
        return lambda x, w, b, **params: function(pad(x, border, mode), w, b, **params)

    def cut(self, case, function):
        """Padding of two sizes: the larger one on both sides, and a view of what is asked for."""
        starts = [max(p) - p[0] for p in case.pads]
        if any(start % s for start, s in zip(starts, case.stride, strict=True)):
            raise Lacking("no padding of two sizes with such a stride")
        spans = zip(starts, case.stride, case.output_spatial, strict=True)
        inside = (..., *(slice(start // s, start // s + n) for start, s, n in spans))
        return lambda x, w, b, **params: function(x, w, b, **params)[inside]

    def wide(self, case):
        """What holds the sums of float16 or of integers."""
        bits = 16 * np.dtype(case.dtype).itemsize - 2 + math.log2(math.prod(case.weight_shape[1:]))
        small = case.dtype == "float16" or bits <= 24
        return self.torch.float32 if small else self.torch.float64

    def with_epilogue(self, case, residual, call):
        if not case.epilogue:
            return call
        functional = self.torch.nn.functional
        activation = {
            None: lambda y: y,
            "relu": self.torch.relu_,
            "gelu": functional.gelu,
            "silu": partial(functional.silu, inplace=True),
            "sigmoid": self.torch.sigmoid_,
            "tanh": self.torch.tanh_,
            "hardswish": partial(functional.hardswish, inplace=True),
        }[case.activation]
        if residual is None:
            return lambda: activation(call())
        return lambda: activation(call().add_(residual))


class TorchChannelsLast(Torch):
    """The same on channels_last tensors, converted outside of the timing."""

    offers = Torch.offers | {"channels_last"}
    families = Torch.families - {"fold"}  # its columns have no such layout

    def formats(self):
        return {2: self.torch.channels_last, 3: self.torch.channels_last_3d}

    def array(self, case, result):
        y = super().array(case, result)
        return np.moveaxis(y, 1, -1) if case.channels_last else y


def onnx_model(case: Case, w: np.ndarray, b: np.ndarray) -> bytes:
    """A serialized ONNX model of Pad, Conv, Add and activation, weight and bias inside.

    Of these only Conv, or ConvTranspose, is always there. Integers have a Conv of their own, which
    takes no bias.
    """
    from onnx import helper, numpy_helper

    weighted = case.operation.second == "weight"
    arrays, nodes = {"w": w, "b": b} if weighted else {}, []

    def then(operation: str, *others: str, **attributes) -> None:
        """A node that takes what the last one gives."""
        last = nodes[-1].output[0] if nodes else "x"
        out = f"y{len(nodes)}"
        nodes.append(helper.make_node(operation, [last, *others], [out], **attributes))

    pads = [before for before, _ in case.pads] + [after for _, after in case.pads]
    if case.padding_mode != "constant":
        arrays["pads"] = np.array([0, 0, *pads[: case.rank], 0, 0, *pads[case.rank :]])
        then("Pad", "pads", mode=ONNX_PADS[case.padding_mode])
        pads = (0,) * len(pads)
    words = {"kernel_shape": case.kernel, "strides": case.stride, "dilations": case.dilation}
    words |= {"pads": pads, "group": case.groups}
    if not weighted:
        unweighted_node(case, words, arrays, nodes)
    elif w.dtype == np.int8:
        arrays["b"] = b.astype(case.kind.result).reshape(-1, *[1] * case.rank)
        then("ConvInteger", "w", **words)
        then("Add", "b")
    elif case.family == "conv_transpose":
        more = case.words["output_padding"]
        then("ConvTranspose", "w", "b", output_padding=more, **words)
    else:
        then("Conv", "w", "b", **words)
    if case.residual:
        then("Add", "residual")
    if case.activation == "silu":
        before = nodes[-1].output[0]
        then("Sigmoid")
        then("Mul", before)
    elif case.activation:
        then({"hardswish": "HardSwish"}.get(case.activation, case.activation.capitalize()))

    def value(name: str, dtype: str, shape: tuple[int, ...]):
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return helper.make_tensor_value_info(name, kind, shape)

    inputs = [value("x", case.dtype, case.input_shape)]
    if case.operation.second == "indices":
        inputs.append(value("w", "int64", case.input_shape))
    if case.residual:
        inputs.append(value("residual", case.kind.weight, case.output_shape))
    graph = helper.make_graph(
        nodes,
        "conv",
        inputs,
        [
            value(name, dtype, case.output_shape)
            for name, dtype in zip(nodes[-1].output, (case.kind.result, "int64"), strict=False)
        ],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    opset = helper.make_opsetid("", 20)
    return helper.make_model(graph, opset_imports=[opset], ir_version=10).SerializeToString()


def unweighted_node(case: Case, words: dict, arrays: dict, nodes: list) -> None:
    """Append the node of a function without weights; `words` are those of a Conv."""
    from onnx import helper

    windows = {name: words[name] for name in ("kernel_shape", "strides", "pads")}
    names, outputs = ["x"], ["y"]
    if case.family == "max_pool":
        outputs += ["indices"] * case.words["return_indices"]
        operation, words = "MaxPool", windows
    elif case.family == "avg_pool":
        operation, words = "AveragePool", windows | {"count_include_pad": 1}
    elif case.family == "global_avg_pool":
        operation, words = "GlobalAveragePool", {}
    elif case.family == "max_unpool":
        operation, words, names = "MaxUnpool", windows, ["x", "w"]
    elif case.family == "fold":
        arrays["sizes"] = np.array(case.words["output_size"])
        arrays["kernel"] = np.array(case.kernel)
        operation, words, names = "Col2Im", {"pads": words["pads"]}, ["x", "sizes", "kernel"]
    else:
        arrays["scales"] = np.array([1, 1, *case.kernel], "f4")
        operation, names = "Resize", ["x", "", "scales"]
        words = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        if case.words["mode"] == "nearest":
            words = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
            words["nearest_mode"] = "floor"
    nodes.append(helper.make_node(operation, names, outputs, **words))


class OnnxRuntime(Rival):
    """A model of few nodes, weights packed at load; `run` returns a new array without a copy."""

    package = "onnxruntime onnx"
    families = FAMILIES | {"max_unpool", "fold"}
    offers = frozenset({*ONNX_PADS, *EPILOGUE, "float16", "int8"})

    def __init__(self, threads: int) -> None:
        import onnx  # noqa: F401  (builds the model)
        import onnxruntime

        super().__init__(threads)
        self.module = onnxruntime
        self.version = onnxruntime.__version__

    def build(self, case, x, w, b, limit, residual=None):
        if case.dtype == "float64":
            raise Lacking(f"has no {case.dtype} Conv")
        options = self.module.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        session = self.module.InferenceSession(
            onnx_model(case, w, b), options, providers=["CPUExecutionProvider"]
        )
        feed = {"x": x} if residual is None else {"x": x, "residual": residual}
        if case.operation.second == "indices":
            planes = np.arange(math.prod(case.input_shape[:2])) * math.prod(case.output_spatial)
            feed["w"] = w + planes.reshape(*case.input_shape[:2], *[1] * case.rank)
        return lambda: session.run(None, feed)[0]


class OpenVino(Rival):
    """The same model compiled for the CPU in float32, called in the documented way.

    Its output is new, as everyone's: a copy of the engine's own, which the next call overwrites.
    (Setting a new output tensor before each call was measured to be slower than that copy.)
    """

    package = "openvino onnx"
    families = FAMILIES
    offers = frozenset({*ONNX_PADS, *EPILOGUE, "float16", "int8", "channels_last"}) - {"wrap"}

    def __init__(self, threads: int) -> None:
        import onnx  # noqa: F401  (builds the model)
        import openvino

        super().__init__(threads)
        self.module = openvino
        self.version = openvino.__version__

    def build(self, case, x, w, b, limit, residual=None):
        if case.dtype == "float64":
            raise Lacking(f"computes {case.dtype} in float32")
        core = self.module.Core()
        model = core.read_model(onnx_model(case, w, b))
        compiled = core.compile_model(
            self.channels_last(model, case.rank) if case.channels_last else model,
            "CPU",
            {
                "INFERENCE_NUM_THREADS": self.threads,
                "INFERENCE_PRECISION_HINT": "f32",
                "PERFORMANCE_HINT": "LATENCY",
            },
        )
        feed = x if residual is None else [x, residual]
        return lambda: compiled(feed, share_inputs=True)[0]

    def channels_last(self, model, rank: int):
        """The model for arrays of that layout."""
        steps = self.module.preprocess.PrePostProcessor(model)
        axes = "DHW"[-rank:]
        ends = [*map(steps.input, range(len(model.inputs)))]
        for end in [*ends, *map(steps.output, range(len(model.outputs)))]:
            end.model().set_layout(self.module.Layout(f"NC{axes}"))
            end.tensor().set_layout(self.module.Layout(f"N{axes}C"))
        return steps.build()
