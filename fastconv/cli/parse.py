# SPDX-License-Identifier: BSD-3-Clause
"""One word of a command line at a time; each error is one line."""

import argparse
import itertools
import math
import re
import sys
from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from typing import NoReturn

THREADS = "number of threads (default: see `fastconv info`)"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, in the form of all others."""

    words: Sequence[str] = ()
    own: Callable[[Sequence[str]], int] | None = None  # how many words are not those of a script

    def parse_known_args(self, args=None, namespace=None):
        self.words = sys.argv[1:] if args is None else tuple(args)
        if self.own is None:
            return super().parse_known_args(args, namespace)
        count = self.own(self.words)
        options, unknown = super().parse_known_args(self.words[:count], namespace)
        options.rest = list(self.words[count:])
        return options, unknown

    def error(self, message):
        message = re.sub(r"^argument ([^:/]*)(/[^:]*)?: ", r"argument \1: ", message)
        if message.startswith(("the following arguments are required", "unrecognized arguments")):
            message = self.unknown_option() or message
        if message.endswith(": expected one argument"):
            option = message.split()[1].rstrip(":")
            message = f"{option} needs a value{self.with_equals(option)}"
        message = re.sub(r"^argument ([^:]*): is ", r"\1 is ", message)
        message = re.sub(
            r"^argument ([^:]*): invalid choice: (.*) \(choose from (.*)\)$",
            r"\1 is \2, but it must be one of \3",
            message,
        )
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def unknown_option(self) -> str:
        """What is said of the first word that looks like an option and is none."""
        known = self._option_string_actions
        for word in self.words:
            name = word.partition("=")[0]
            if word == "--" or not re.match("--?[a-zA-Z]", name):
                continue
            if not any(option.startswith(name) or option == name[:2] for option in known):
                near = get_close_matches(name, known, 1)
                return f"{name} is no option" + (f"; did you mean {near[0]}?" if near else "")
        return ""

    def with_equals(self, option: str) -> str:
        """How a value that begins with a minus is written, if there is one."""
        for word, value in itertools.pairwise(self.words):
            if re.match(r"-[\d.]", value) and self._option_string_actions.get(
                word
            ) is self._option_string_actions.get(option):
                return f"; write {word}={value}"
        return ""

    def print_help(self, file=None):
        print(self.format_help(), end="", file=file)  # argparse hides that a disk is full

    def options(self) -> set[str]:
        """The long options, without their dashes."""
        return set(re.findall(r"--([\w-]+)", self.format_usage()))


def refuse(text: str, needed: str) -> NoReturn:
    """Raise for a word that is not what is needed; `Parser.error` puts the option before it."""
    raise argparse.ArgumentTypeError(f"is {text!r}, but it must be {needed}") from None


def in_options(message: str, options: Collection[str]) -> str:
    """A message of a function of fastconv in the words of the command line.

    >>> in_options("mean: size is (3, 0), but ...", {"size"})
    '--size is 3x0, but ...'
    >>> in_options("f: activation is 'clip', but it must be ('clip', low, high)", {"activation"})
    "--activation is 'clip', but it must be clip:LOW:HIGH"
    """
    found = re.match(r"\w+: (\w+)(?:\[\d\])*('s \w+)? (.*)", message, re.DOTALL)
    if found is None:
        return message
    argument, part, rest = found.groups(default="")
    for known in filter(lambda option: "-" in option, options):
        rest = re.sub(rf"\b{known.replace('-', '_')}(=True)?\b", f"--{known}", rest)
    option = argument.replace("_", "-")
    if option not in options:
        return f"{argument}{part} {rest}"
    rest = re.sub(r"^is \(([-\d., einfa]+)\)", lambda n: "is " + n[1].replace(", ", "x"), rest)
    rest = re.sub(r"\('(\w+)', ([^()]*)\)", _with_colons, rest)
    rest = rest.replace("must be None", "must be none").replace("is True", "is given")
    return f"--{option}{part} {rest}"


def _with_colons(found: re.Match) -> str:
    """``('clip', low, 6)`` as ``clip:LOW:6``."""
    numbers = found[2].split(", ")
    return ":".join([found[1], *(n.upper() if n.isalpha() else n for n in numbers)])


def parse_sizes(text: str) -> tuple[int, ...]:
    """Integers joined by x.

    >>> parse_sizes("8x112x112")
    (8, 112, 112)
    """
    try:
        return tuple(int(part) for part in text.lower().split("x"))
    except ValueError:
        refuse(text, "an integer, or one per axis joined by x, as 1x2")


def per_axis(text: str) -> int | tuple[int, ...]:
    """One integer for all axes, or one per axis.

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
        refuse(text, "a number, or one per axis joined by x, as 1x2.5")
    return numbers[0] if len(numbers) == 1 else numbers


def parse_number(text: str) -> float:
    """A real number.

    >>> parse_number("2.5")
    2.5
    """
    try:
        return float(text)
    except ValueError:
        refuse(text, "a number")


def parse_integer(text: str) -> int:
    """An integer.

    >>> parse_integer("-7")
    -7
    """
    try:
        return int(text)
    except ValueError:
        refuse(text, "an integer")


def parse_degrees(text: str) -> float:
    """An angle in degrees, as radians.

    >>> parse_degrees("180")
    3.141592653589793
    """
    try:
        return math.radians(float(text))
    except ValueError:
        refuse(text, "a number of degrees")


def parse_positive(text: str) -> int:
    """An integer of at least 1.

    >>> parse_positive("7")
    7
    """
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        refuse(text, "an integer of at least 1")
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
        refuse(text, "a number of seconds above 0")
    return value


def parse_padding(text: str) -> int | str | tuple:
    """A word, an integer, one per axis, or BEFORE:AFTER per axis.

    >>> parse_padding("same"), parse_padding("1x2"), parse_padding("0:1x1:1")
    ('same', (1, 2), ((0, 1), (1, 1)))
    """
    if text.replace("_", "").isalpha() and text.lower() != "x":
        return text
    if ":" not in text:
        return per_axis(text)
    try:
        sides = tuple(tuple(map(int, axis.split(":"))) for axis in text.lower().split("x"))
    except ValueError:
        sides = ((),)
    if any(len(side) != 2 for side in sides):
        refuse(text, "BEFORE:AFTER, or one per axis joined by x, as 0:1x1:1")
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
        refuse(text, "WORD or WORD:NUMBERS, as relu or clip:0:6")
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
        refuse(text, "auto, clip, signed or LOW:HIGH, LOW below HIGH")
    return low, high


def parse_border(text: str) -> str:
    """A border by its name.

    >>> parse_border("mirror")
    'mirror'
    """
    from .._spec.arguments import border_needed
    from .._spec.borders import MODES

    if text not in MODES:
        raise argparse.ArgumentTypeError(f"is {text!r}, {border_needed(text)}")
    return text


def parse_shapes(input_text: str, weight_text: str, groups: int) -> tuple[tuple, tuple]:
    """Input and weight shapes from the words of ``fastconv plan``.

    >>> parse_shapes("16x64@56x57", "32@3", 2)
    ((16, 64, 56, 57), (32, 32, 3, 3))
    """
    lead, space = _split("input", input_text, "[BATCHx]CHANNELS@SIZES", (1, 2))
    filters, taps = _split("weight", weight_text, "FILTERS@SIZES", (1,))
    if len(space) > 3:
        needed = "but it must have 1 to 3"
        raise ValueError(f"input is {input_text!r} with {len(space)} spatial sizes, {needed}")
    if len(taps) not in (1, len(space)):
        several = f" or {len(space)}, as the input has" if len(space) > 1 else ", as the input has"
        needed = f"but it must have 1{several}"
        raise ValueError(f"weight is {weight_text!r} with {len(taps)} sizes, {needed}")
    if len(taps) == 1:
        taps *= len(space)
    *batch, channels = lead
    if groups < 1 or channels % groups:
        needed = f"but it must divide the {channels} channels of the input"
        raise ValueError(f"--groups is {groups}, {needed}")
    return (*(batch or [1]), channels, *space), (*filters, channels // groups, *taps)


def _split(name: str, text: str, form: str, leading: tuple[int, ...]) -> tuple[tuple, tuple]:
    """What stands before and after the @: sizes of at least 1."""
    head, _, sizes = text.partition("@")
    try:
        found = parse_sizes(head), parse_sizes(sizes)
    except argparse.ArgumentTypeError:
        found = (), ()
    if len(found[0]) not in leading or min(sum(found, ())) < 1:
        needed = f"{form} with sizes of at least 1, as 64@56x56"
        raise ValueError(f"{name} is {text!r}, but it must be {needed}")
    return found
