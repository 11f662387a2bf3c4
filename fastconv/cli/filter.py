# SPDX-License-Identifier: BSD-3-Clause
"""``fastconv filter``: a photograph under a kernel."""

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
    parse_integer,
    parse_number,
    parse_range,
    per_axis,
    refuse,
)


def parse_axis(text: str) -> int | str:
    """0, 1 or magnitude.

    >>> parse_axis("1"), parse_axis("magnitude")
    (1, 'magnitude')
    """
    if text not in ("0", "1", "magnitude"):
        refuse(text, "one of 0, 1, magnitude")
    return text if text == "magnitude" else int(text)


# The parameters of the named kernels; filtering.py knows which has which.
KERNEL_OPTIONS = {
    "size": {
        "type": per_axis,
        "metavar": "N",
        "help": "taps along both axes, or HEIGHTxWIDTH for mean, gaussian, unsharp and gabor; the "
        "centre of an even kernel is the tap before its middle",
    },
    "sigma": {
        "type": numbers_per_axis,
        "metavar": "PIXELS",
        "help": "standard deviation: of gaussian and unsharp (default: 1), one number or "
        "VERTICALxHORIZONTAL; of gabor (default: 2)",
    },
    "truncate": {
        "type": parse_number,
        "metavar": "T",
        "help": "without --size, gaussian and unsharp end at T * sigma on each side (default: 4)",
    },
    "axis": {
        "type": parse_axis,
        "metavar": "AXIS",
        "help": "direction of sobel, scharr and prewitt: 0 is downwards, 1 to the right, magnitude "
        "combines both (default: magnitude)",
    },
    "diagonal": {
        "action": "store_true",
        "default": None,
        "help": "laplacian: use all eight neighbours, not four",
    },
    "amount": {
        "type": parse_number,
        "metavar": "A",
        "help": "strength of sharpen and unsharp (default: 1)",
    },
    "angle": {
        "type": parse_degrees,
        "metavar": "DEGREES",
        "help": "emboss: pixels get brighter where the image rises in this direction, in degrees "
        "clockwise from the right (default: 45)",
    },
    "theta": {
        "type": parse_degrees,
        "metavar": "DEGREES",
        "help": "gabor: direction across the stripes, in degrees clockwise from the right "
        "(default: 0)",
    },
    "wavelength": {
        "type": parse_number,
        "metavar": "PIXELS",
        "help": "gabor: distance from stripe to stripe (default: 4)",
    },
    "gamma": {
        "type": parse_number,
        "metavar": "G",
        "help": "gabor: aspect ratio, sigma over the length of the stripes (default: 0.5)",
    },
    "psi": {
        "type": parse_degrees,
        "metavar": "DEGREES",
        "help": "gabor: phase in degrees, 90 for edges, 0 for lines (default: 90)",
    },
}


def add_arguments(parser: Parser) -> None:
    """The options of the command."""
    add = parser.add_argument
    add("image", metavar="IMAGE", help="an image file: 8- or 16-bit grey, or 8-bit colour")
    add(
        "--kernel",
        required=True,
        help="mean, gaussian, laplacian, sharpen, unsharp, emboss, gabor; sobel, scharr, prewitt "
        "(gradients); or a file: .npy, or text with one row of numbers a line; # begins a comment",
    )
    add(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="the file to write; its ending gives the format",
    )
    add("--overwrite", action="store_true", help="let OUT be IMAGE itself")
    for option, keywords in KERNEL_OPTIONS.items():
        add(f"--{option}", **keywords)
    add(
        "--range",
        default="auto",
        type=parse_range,
        metavar="RANGE",
        help="how results become pixels. clip: below 0 becomes 0, above 255 becomes 255 (65535 "
        "for 16 bits). signed: 0 becomes mid grey, and all results fit. LOW:HIGH: LOW becomes "
        "black, HIGH white (as --range=-100:100). auto: signed for kernels that sum to 0, else "
        "clip (default: auto)",
    )
    add(
        "--border",
        "--padding-mode",
        default="edge",
        type=parse_border,
        metavar="WORD",
        help=f"what lies around the image: {draw_borders()}; v is --border-value (default: edge)",
    )
    add(
        "--border-value",
        type=parse_number,
        metavar="V",
        help="the value of --border constant: 0 to 255, or to 65535 for 16 bits (default: 0)",
    )
    add(
        "--separate",
        action="store_true",
        help="apply the kernel as a sum of 1-D passes; the result is the same up to rounding",
    )
    add("--threads", type=parse_integer, metavar="N", help=THREADS)


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
        raise ValueError("--border-value is given, but it is for --border constant")
    if value is not None and not math.isfinite(value):
        raise ValueError(f"--border-value is {value}, but it must be finite")
    images.check_output(options.output, options.image, options.overwrite)
    photo = images.read_photo(options.image)
    images.check_border_value(photo, value or 0.0)
    if photo.note:
        print(f"{options.parser.prog}: {options.image}: {photo.note}", file=sys.stderr)
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
