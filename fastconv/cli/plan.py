# SPDX-License-Identifier: BSD-3-Clause
"""``fastconv plan``: how a convolution would run, and why."""

from contextlib import ExitStack

from .parse import (
    THREADS,
    Parser,
    parse_activation,
    parse_padding,
    parse_shapes,
    parse_words,
    per_axis,
)

OPERATIONS = {1: "conv1d", 2: "conv2d", 3: "conv3d"}


def add_arguments(parser: Parser) -> None:
    """The options of the command."""
    add = parser.add_argument
    add("input", help="[BATCHx]CHANNELS@SIZES, as 64@56x56, 16x3@224x224, 64@16384")
    add("weight", help="FILTERS@SIZES, as 64@3x3; 64@3 is 3 along every axis")
    for name in ("stride", "dilation"):
        add(f"--{name}", default=1, type=per_axis, help="N, or one per axis: 1x2x2")
    add(
        "--padding",
        default=0,
        type=parse_padding,
        help="N, one per axis (1x2; --padding=-1x2), BEFORE:AFTER per axis (0:1x1:1), or valid, "
        "same, full, ...",
    )
    add(
        "--padding-mode",
        default="constant",
        type=parse_words,
        metavar="MODE",
        help="constant, edge, wrap, mirror, symmetric, or one per axis: edge,wrap",
    )
    add("--groups", default=1, type=int, metavar="N", help="of channels (1)")
    add("--channels-last", action="store_true", help="input and output are N, SIZES, C")
    add(
        "--activation",
        type=parse_activation,
        help="relu, gelu, ..., leaky_relu:SLOPE, clip:LOW:HIGH",
    )
    add("--dtype", default="float32", help="of input and weight, as int8 (float32)")
    add("--algorithm", default="auto", help="auto (default), direct, im2col_gemm or reference")
    add("--threads", type=int, metavar="N", help=THREADS)
    add("--isa", help="an ISA that `fastconv info` lists as usable")


def run(options) -> None:
    """Print the plan."""
    import fastconv

    from .._plan.execute import Outline
    from .._spec.arguments import DTYPES, as_dtype

    if options.dtype == "bfloat16":
        try:
            import ml_dtypes  # noqa: F401, it makes the name known
        except ImportError:
            raise ImportError("--dtype bfloat16 needs ml_dtypes: pip install ml_dtypes") from None
    dtype = as_dtype("plan", options.dtype, DTYPES)
    input_shape, weight_shape = parse_shapes(options.input, options.weight, options.groups)
    operation = getattr(fastconv, OPERATIONS[len(input_shape) - 2])
    if options.channels_last:
        batch, channels, *sizes = input_shape
        input_shape = (batch, *sizes, channels)
    names = ("stride", "padding", "dilation", "groups", "padding_mode", "channels_last")
    names += ("activation", "algorithm", "threads")
    keywords = {name: getattr(options, name) for name in names}
    with ExitStack() as stack:
        if options.isa is not None:
            stack.enter_context(fastconv.settings(isa=options.isa))
        arrays = (Outline(shape, dtype) for shape in (input_shape, weight_shape))
        print(fastconv.plan(operation, *arrays, **keywords))
