# SPDX-License-Identifier: BSD-3-Clause
"""``fastconv filter``: a photograph under a kernel."""

import argparse
import math
import sys
import time
from dataclasses import replace

from .parse import (
    THREADS,
    Parser,
    numbers_per_axis,
    parse_border,
    parse_degrees,
    parse_range,
    per_axis,
)


def parse_axis(text: str) -> int | str:
    """0, 1 or magnitude.

    >>> parse_axis("1"), parse_axis("magnitude")
    (1, 'magnitude')
    """
    if text not in ("0", "1", "magnitude"):
        raise argparse.ArgumentTypeError(f"got {text!r}, one of 0, 1, magnitude is needed")
    return text if text == "magnitude" else int(text)


# The parameters of the named kernels; filtering.py knows which has which.
KERNEL_OPTIONS = {
    "size": {
        "type": per_axis,
        "metavar": "N",
        "help": "taps along both axes, or HEIGHTxWIDTH of mean, gaussian, gabor, ...; an even "
        "kernel has its centre at the tap before its middle",
    },
    "sigma": {
        "type": numbers_per_axis,
        "metavar": "PIXELS",
        "help": "standard deviation of gaussian, unsharp (1; or VERTICALxHORIZONTAL) and gabor (2)",
    },
    "truncate": {
        "type": float,
        "metavar": "T",
        "help": "without --size, gaussian and unsharp reach so many sigma to each side (4)",
    },
    "axis": {
        "type": parse_axis,
        "metavar": "AXIS",
        "help": "of sobel, scharr, prewitt: 1 is the slope to the right, 0 downwards, magnitude "
        "that of both (default)",
    },
    "diagonal": {
        "action": "store_true",
        "default": None,
        "help": "laplacian counts all eight neighbours, not four",
    },
    "amount": {
        "type": float,
        "metavar": "A",
        "help": "strength of sharpen and unsharp (1)",
    },
    "angle": {
        "type": parse_degrees,
        "metavar": "DEGREES",
        "help": "emboss brightens what rises in this direction: degrees, clockwise from right (45)",
    },
    "theta": {
        "type": parse_degrees,
        "metavar": "DEGREES",
        "help": "direction across gabor's stripes: degrees, clockwise from right (0)",
    },
    "wavelength": {
        "type": float,
        "metavar": "PIXELS",
        "help": "from stripe to stripe of gabor (4)",
    },
    "gamma": {
        "type": float,
        "metavar": "G",
        "help": "width over length of gabor's gaussian (0.5)",
    },
    "psi": {
        "type": parse_degrees,
        "metavar": "DEGREES",
        "help": "phase of gabor: degrees, 90 for edges, 0 for bars (90)",
    },
}


def add_arguments(parser: Parser) -> None:
    """The options of the command."""
    add = parser.add_argument
    add("image", metavar="IMAGE", help="8- or 16-bit grey, or 8-bit colour")
    add(
        "--kernel",
        required=True,
        help="mean, gaussian, laplacian, sharpen, unsharp, emboss, gabor; sobel, scharr, prewitt "
        "(gradients); or a FILE: .npy or rows of text",
    )
    add("-o", "--output", required=True, metavar="OUT", help="its ending names the format")
    for option, keywords in KERNEL_OPTIONS.items():
        add(f"--{option}", **keywords)
    add(
        "--range",
        default="auto",
        type=parse_range,
        metavar="RANGE",
        help="how results become pixels: clip (what is below 0 or above 255, of 16 bits 65535, "
        "becomes the end), signed (0 becomes mid grey, the largest magnitude fits), LOW:HIGH "
        "(LOW becomes black, HIGH white; --range=-100:100), or auto (default): signed for "
        "kernels that sum to 0, else clip",
    )
    add(
        "--border",
        default="edge",
        type=parse_border,
        metavar="WORD",
        help=f"what lies around the image: {draw_borders()} (default: edge; v is --border-value)",
    )
    add(
        "--border-value",
        type=float,
        metavar="V",
        help="of constant: 0 to 255, of 16 bits 0 to 65535 (0)",
    )
    add("--separate", action="store_true", help="apply the kernel as a sum of 1-D passes")
    add("--threads", type=int, metavar="N", help=THREADS)


def draw_borders() -> str:
    """Each border with its drawing."""
    from .._spec.borders import DRAWINGS

    return ", ".join(" ".join(row) for row in DRAWINGS.items())


def run(options) -> None:
    """Filter the photograph and say what was done."""
    from . import filtering, images

    given = {name: getattr(options, name) for name in KERNEL_OPTIONS}
    said = {name: value for name, value in given.items() if value is not None}
    directions = filtering.make_filter(options.kernel, said)
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
    way = filtering.choose_range(directions) if options.range == "auto" else options.range
    start = time.perf_counter()
    answer = filtering.filter_planes(
        photo.pixels,
        directions,
        options.border,
        value or 0.0,
        options.separate,
        options.threads,
    )
    pixels, told = filtering.to_pixels(answer, photo.pixels.dtype, way)
    seconds = time.perf_counter() - start
    images.write_photo(options.output, replace(photo, pixels=pixels))
    channels, height, width = pixels.shape
    kind = f"{channels} channel{'s' * (channels > 1)} {pixels.dtype}"
    alpha = ", alpha kept" if photo.alpha is not None else ""
    print(f"{options.output}: {width}x{height}, {kind}{alpha}, {told}, {1e3 * seconds:.1f} ms")
