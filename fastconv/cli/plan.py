# SPDX-License-Identifier: BSD-3-Clause
"""``fastconv plan``: how a convolution would run, and why."""

from contextlib import ExitStack

from .._plan.algorithms import names
from .._spec.conv import ConvSpec
from .._spec.epilogue import NAMED
from .parse import (
    THREADS,
    Parser,
    parse_activation,
    parse_integer,
    parse_padding,
    parse_shapes,
    parse_words,
    per_axis,
)

OPERATIONS = {1: "conv1d", 2: "conv2d", 3: "conv3d"}


def add_arguments(parser: Parser) -> None:
    """The options of the command."""
    add = parser.add_argument
    add("input", help="[BATCHx]CHANNELS@SIZES, as 64@56x56, 16x3@224x224 or 64@16384")
    add("weight", help="FILTERS@SIZES, as 64@3x3; 64@3 is 3 along every axis")
    for name in ("stride", "dilation"):
        add(
            f"--{name}",
            default=1,
            type=per_axis,
            metavar="N",
            help="an integer, or one per axis as 1x2x2 (default: 1)",
        )
    add(
        "--padding",
        default=0,
        type=parse_padding,
        metavar="P",
        help="an integer, one per axis as 1x2, BEFORE:AFTER per axis as 0:1x1:1, or a word: valid, "
        "full, same (or same_upper), same_lower, same_torch (default: 0; a negative number needs "
        "=, as --padding=-1)",
    )
    add(
        "--padding-mode",
        "--border",
        default="constant",
        type=parse_words,
        metavar="MODE",
        help="constant, edge, wrap, mirror or symmetric, or one per axis as edge,wrap (default: "
        "constant)",
    )
    add(
        "--groups",
        default=1,
        type=parse_integer,
        metavar="N",
        help="groups of channels (default: 1)",
    )
    add("--channels-last", action="store_true", help="input and output are (N, SIZES, C)")
    add(
        "--activation",
        type=parse_activation,
        metavar="WORD",
        help=", ".join(
            ":".join([word, *row.parameters.upper().split(", ")]).rstrip(":")
            for word, row in NAMED.items()
        ),
    )
    add("--dtype", default="float32", help="of input and weight (default: float32)")
    add(
        "--algorithm",
        default="auto",
        metavar="NAME",
        help=f"one of {', '.join(names(ConvSpec))} (default: auto)",
    )
    add("--threads", type=parse_integer, metavar="N", help=THREADS)
    add("--isa", metavar="NAME", help="an ISA that `fastconv info` lists as usable")


def check_counts(options, axes: int) -> None:
    """Raise unless what is given per axis has one entry, or one for each axis."""
    for name in ("stride", "dilation", "padding", "padding_mode"):
        value = getattr(options, name)
        if isinstance(value, tuple) and len(value) not in (1, axes):
            several = f" or {axes}" if axes > 1 else ""
            raise ValueError(
                f"{name}: {name} has {len(value)} entries, but it must have 1{several}"
            )


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
    check_counts(options, len(input_shape) - 2)
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
