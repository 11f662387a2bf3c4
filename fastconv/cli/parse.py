# SPDX-License-Identifier: BSD-3-Clause
"""One word of a command line at a time; each error is one line."""

import argparse
import math

THREADS = "how many (see `fastconv info` for the default)"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def print_help(self, file=None):
        print(self.format_help(), end="", file=file)  # argparse hides that a disk is full


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


def numbers_per_axis(text: str) -> float | tuple[float, ...]:
    """One real number for all axes, or one per axis.

    >>> numbers_per_axis("1.5"), numbers_per_axis("0.5x2")
    (1.5, (0.5, 2.0))
    """
    try:
        numbers = tuple(float(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers joined by x") from None
    return numbers[0] if len(numbers) == 1 else numbers


def parse_degrees(text: str) -> float:
    """An angle of so many degrees, in radians.

    >>> parse_degrees("180")
    3.141592653589793
    """
    try:
        return math.radians(float(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of degrees") from None


def parse_positive(text: str) -> int:
    """A whole number from 1.

    >>> parse_positive("7")
    7
    """
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return value


def parse_seconds(text: str) -> float:
    """A finite time above 0.

    >>> parse_seconds("2.5")
    2.5
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


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


def parse_range(text: str) -> str | tuple[float, float]:
    """A word, or LOW:HIGH.

    >>> parse_range("signed"), parse_range("-100:100")
    ('signed', (-100.0, 100.0))
    """
    if text in ("auto", "clip", "signed"):
        return text
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        low = high = math.nan
    if not (low < high and math.isfinite(high - low)):
        raise argparse.ArgumentTypeError(
            f"got {text!r}, auto, clip, signed or LOW:HIGH is needed, LOW below HIGH"
        )
    return low, high


def parse_border(text: str) -> str:
    """A border by its name.

    >>> parse_border("mirror")
    'mirror'
    """
    from .._spec.arguments import border_needed
    from .._spec.borders import MODES

    if text not in MODES:
        raise argparse.ArgumentTypeError(f"got {text!r}, {border_needed(text)}")
    return text


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
    if len(space) not in (1, 2, 3):
        raise ValueError(f"input {input_text!r} has {len(space)} spatial sizes, needed: 1 to 3")
    if len(taps) == 1:
        taps *= len(space)
    if groups < 1 or lead[-1] % groups:
        raise ValueError(f"--groups is {groups}, needed: a divisor of {lead[-1]} channels")
    batch = lead[0] if len(lead) == 2 else 1
    return (batch, lead[-1], *space), (*filters, lead[-1] // groups, *taps)
