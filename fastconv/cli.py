# SPDX-License-Identifier: BSD-3-Clause
"""The command line: ``fastconv info | plan | filter | bench``.

An error is one line on stderr and exit code 2.
"""

import argparse
import json
import math
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import replace

OPERATIONS = {1: "conv1d", 2: "conv2d", 3: "conv3d"}
THREADS = "how many (see `fastconv info` for the default)"
ERRORS = (ValueError, TypeError, OSError, ImportError, MemoryError, OverflowError, RuntimeError)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    name = "fastconv"
    try:
        options, unknown = build_parser(words).parse_known_args(words)
        name = options.prog
        if unknown:
            Parser(prog=name).error(f"unrecognized arguments: {' '.join(unknown)}")
        check_environment()
        code = options.run(options) or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # `fastconv info | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except ERRORS as error:
        message = " ".join(str(error).split()) or type(error).__name__
        print(f"{name}: {message}", file=sys.stderr)
        return 2


def check_environment() -> None:
    """Raise for a variable FASTCONV_... that cannot be obeyed."""
    from .settings import current

    current()


def build_parser(argv: list[str]) -> Parser:
    """The parser; the options of ``bench`` are imported only when ``argv`` asks for it."""
    parser = Parser(prog="fastconv", description="Fast convolution of NumPy arrays on the CPU.")
    parser.add_argument("--version", action=PrintVersion, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name, run, summary, **keywords):
        added = commands.add_parser(name, help=summary, description=summary, **keywords)
        added.set_defaults(run=run, prog=added.prog)
        return added

    info = command("info", run_info, "Print version, compiler, ISAs, caches, threads, speed.")
    info.add_argument("--isas", action="store_true", help="print only the usable ISAs")
    info.add_argument("--json", action="store_true", help="print JSON")
    info.add_argument("--no-measure", action="store_true", help="leave out FMA peak and bandwidth")

    plan = command("plan", run_plan, "Print how a convolution would run, and why.")
    plan.add_argument("input", help="[BATCHx]CHANNELS@SIZES, as 64@56x56, 16x3@224x224, 64@16384")
    plan.add_argument("weight", help="FILTERS@SIZES, as 64@3x3; 64@3 is 3 along every axis")
    for name, default in (("stride", 1), ("dilation", 1)):
        plan.add_argument(
            f"--{name}", default=default, type=per_axis, help="N, or one per axis: 1x2x2"
        )
    plan.add_argument(
        "--padding",
        default=0,
        type=parse_padding,
        help="N, one per axis (1x2; --padding=-1x2), BEFORE:AFTER per axis (0:1x1:1), or valid, "
        "same, full, ...",
    )
    plan.add_argument(
        "--padding-mode",
        default="constant",
        type=parse_words,
        metavar="MODE",
        help="constant, edge, wrap, mirror, symmetric, or one per axis: edge,wrap",
    )
    plan.add_argument("--groups", default=1, type=int, metavar="N", help="of channels (1)")
    plan.add_argument(
        "--channels-last", action="store_true", help="input and output are N, SIZES, C"
    )
    plan.add_argument(
        "--activation",
        type=parse_activation,
        help="relu, gelu, ..., leaky_relu:SLOPE, clip:LOW:HIGH",
    )
    plan.add_argument("--dtype", default="float32", help="of input and weight, as int8 (float32)")
    plan.add_argument(
        "--algorithm", default="auto", help="auto (default), direct, im2col_gemm or reference"
    )
    plan.add_argument("--threads", type=int, metavar="N", help=THREADS)
    plan.add_argument("--isa", help="an ISA that `fastconv info` lists as usable")

    filter_ = command("filter", run_filter, "Filter a photograph by a named kernel or your own.")
    filter_.add_argument("image", metavar="IMAGE", help="8- or 16-bit grey, or 8-bit colour")
    filter_.add_argument(
        "--kernel",
        required=True,
        help="mean, gaussian, laplacian, sharpen, unsharp, emboss, gabor; sobel, scharr, prewitt "
        "(gradient magnitude); or a FILE: .npy or rows of text",
    )
    filter_.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="its ending names the format"
    )
    for option, (read, metavar, text) in KERNEL_OPTIONS.items():
        filter_.add_argument(f"--{option}", type=read, metavar=metavar, help=text)
    filter_.add_argument(
        "--border",
        default="edge",
        type=border_word,
        metavar="WORD",
        help=f"what lies around the image: {draw_borders()} (default: edge; v is --border-value)",
    )
    filter_.add_argument(
        "--border-value",
        type=float,
        metavar="V",
        help="of constant: 0 to 255, of 16 bits 0 to 65535 (0)",
    )
    filter_.add_argument(
        "--separate", action="store_true", help="apply the kernel as a sum of 1-D passes"
    )
    filter_.add_argument("--threads", type=int, metavar="N", help=THREADS)

    bench = command("bench", run_bench, "Check and time convolutions against other libraries.")
    if "bench" in argv[:1]:
        from .benchmarks import run

        run.add_arguments(bench)
    return parser


def draw_borders() -> str:
    """Each border with its drawing."""
    from .boundary import DRAWINGS

    return ", ".join(" ".join(row) for row in DRAWINGS.items())


def border_word(text: str) -> str:
    """A border by its name.

    >>> border_word("mirror")
    'mirror'
    """
    from .arguments import border_needed
    from .boundary import MODES

    if text not in MODES:
        raise argparse.ArgumentTypeError(f"got {text!r}, {border_needed(text)}")
    return text


class PrintVersion(argparse.Action):
    """``--version``, which imports the package only when asked."""

    def __call__(self, parser, namespace, values, option_string=None):
        from . import __version__

        print(f"fastconv {__version__}")
        parser.exit()


def parse_sizes(text: str) -> tuple[int, ...]:
    """Whole numbers joined by x.

    >>> parse_sizes("8x112x112")
    (8, 112, 112)
    """
    try:
        return tuple(int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not whole numbers joined by x") from None


def per_axis(text: str) -> int | tuple[int, ...]:
    """One number for all axes, or one per axis.

    >>> per_axis("2"), per_axis("1x2x2")
    (2, (1, 2, 2))
    """
    sizes = parse_sizes(text)
    return sizes[0] if len(sizes) == 1 else sizes


def parse_padding(text: str) -> int | str | tuple:
    """A word, a number, numbers per axis, or BEFORE:AFTER per axis.

    >>> parse_padding("same"), parse_padding("1x2"), parse_padding("0:1x1:1")
    ('same', (1, 2), ((0, 1), (1, 1)))
    """
    if text.replace("_", "").isalpha() and text.lower() != "x":
        return text
    if ":" not in text:
        return per_axis(text)
    sides = tuple(parse_sizes(axis.replace(":", "x")) for axis in text.lower().split("x"))
    if any(len(side) != 2 for side in sides):
        raise argparse.ArgumentTypeError(f"{text!r} is not BEFORE:AFTER for each axis")
    return sides


def parse_words(text: str) -> tuple[str, ...]:
    """A word for all axes, or one per axis.

    >>> parse_words("edge"), parse_words("edge,wrap")
    (('edge',), ('edge', 'wrap'))
    """
    return tuple(text.split(","))


def parse_activation(text: str) -> str | tuple:
    """A word, and the numbers that belong to it.

    >>> parse_activation("relu"), parse_activation("clip:0:2.5")
    ('relu', ('clip', 0, 2.5))
    """
    word, *numbers = text.split(":")
    try:
        given = [int(n) if n.lstrip("-").isdecimal() else float(n) for n in numbers]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not WORD or WORD:NUMBERS") from None
    return (word, *given) if given else word


def parse_shapes(input_text: str, weight_text: str, groups: int) -> tuple[tuple, tuple]:
    """Input and weight shapes from the words of ``fastconv plan``.

    >>> parse_shapes("16x64@56x57", "32@3", 2)
    ((16, 64, 56, 57), (32, 32, 3, 3))
    """
    shapes = []
    for name, text, leading in (("input", input_text, (1, 2)), ("weight", weight_text, (1,))):
        head, _, sizes = text.partition("@")
        try:
            shapes.append((parse_sizes(head), parse_sizes(sizes)))
        except argparse.ArgumentTypeError:
            shapes.append(((), ()))
        if len(shapes[-1][0]) not in leading or min(sum(shapes[-1], ())) < 0:
            form = "[BATCHx]CHANNELS@SIZES" if name == "input" else "FILTERS@SIZES"
            raise ValueError(f"{name} is {text!r}, needed: {form}, as 64@56x56")
    (lead, space), (filters, taps) = shapes
    if len(space) not in OPERATIONS:
        raise ValueError(f"input {input_text!r} has {len(space)} spatial sizes, needed: 1 to 3")
    if len(taps) == 1:
        taps *= len(space)
    if groups < 1 or lead[-1] % groups:
        raise ValueError(f"--groups is {groups}, needed: a divisor of {lead[-1]} channels")
    batch = lead[0] if len(lead) == 2 else 1
    return (batch, lead[-1], *space), (*filters, lead[-1] // groups, *taps)


def degrees(text: str) -> float:
    """An angle in radians.

    >>> degrees("180")
    3.141592653589793
    """
    return math.radians(float(text))


# The parameters of named kernels that `fastconv filter` takes; images.py knows which has which.
KERNEL_OPTIONS = {
    "size": (
        per_axis,
        "N",
        "taps along both axes, or HEIGHTxWIDTH of mean, gaussian, gabor, ...; an even kernel has "
        "its centre at the tap before its middle",
    ),
    "sigma": (float, "PIXELS", "standard deviation of gaussian, unsharp (1) and gabor (2)"),
    "amount": (float, "A", "strength of sharpen and unsharp (1)"),
    "angle": (degrees, "DEGREES", "direction that emboss brightens, from right to down (45)"),
    "theta": (degrees, "DEGREES", "direction across gabor's stripes, from right to down (0)"),
    "wavelength": (float, "PIXELS", "from stripe to stripe of gabor (4)"),
    "gamma": (float, "G", "width over length of gabor's gaussian (0.5)"),
    "psi": (degrees, "DEGREES", "phase of gabor: 90 for edges, 0 for bars (90)"),
}


def run_plan(options) -> None:
    """``fastconv plan``."""
    import numpy as np

    import fastconv

    from .arguments import DTYPES, as_dtype

    if options.dtype == "bfloat16":
        import ml_dtypes  # noqa: F401, it makes the name known

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
        # Untouched memory: these arrays carry a shape and a dtype, and cost nothing.
        arrays = (np.empty(shape, dtype) for shape in (input_shape, weight_shape))
        print(fastconv.plan(operation, *arrays, **keywords))


def run_filter(options) -> None:
    """``fastconv filter``."""
    from . import images

    given = {name: getattr(options, name) for name in KERNEL_OPTIONS}
    said = {name: value for name, value in given.items() if value is not None}
    directions = images.make_filter(options.kernel, said)
    value = options.border_value
    if value is not None and options.border != "constant":
        raise ValueError(f"--border-value is for --border constant, got --border {options.border}")
    if value is not None and not math.isfinite(value):
        raise ValueError(f"--border-value is {value}, a finite number is needed")
    images.check_output(options.output)
    photo = images.read_photo(options.image)
    images.check_border_value(photo, value or 0.0)
    if photo.note:
        print(f"{options.prog}: {options.image}: {photo.note}", file=sys.stderr)
    start = time.perf_counter()
    pixels = images.filter_planes(
        photo.pixels,
        directions,
        options.border,
        value or 0.0,
        options.separate,
        options.threads,
    )
    seconds = time.perf_counter() - start
    images.write_photo(options.output, replace(photo, pixels=pixels))
    channels, height, width = pixels.shape
    kind = f"{channels} channel{'s' * (channels > 1)} {pixels.dtype}"
    alpha = ", alpha kept" if photo.alpha is not None else ""
    print(f"{options.output}: {width}x{height}, {kind}{alpha}, {1e3 * seconds:.1f} ms")


def run_bench(options) -> int:
    """``fastconv bench``."""
    from .benchmarks import run

    return run.main(options)


def run_info(options) -> None:
    """``fastconv info``."""
    from . import info

    if options.isas:
        print("\n".join(info.usable_isas()))
        return
    report = info.collect(speed=not options.no_measure)
    print(json.dumps(report, indent=2) if options.json else info.as_text(report))
