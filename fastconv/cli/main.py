# SPDX-License-Identifier: BSD-3-Clause
"""From the words of a command line to an exit code.

An error is one line on stderr and exit code 2; Ctrl-C gives 130.
"""

import argparse
import os
import sys
from importlib import import_module

from .parse import Parser, in_options

# What each command is for, and an example. Its module here has its name, `add_arguments`, `run`.
COMMANDS = {
    "info": (
        "Print version, compiler, ISAs, caches, threads, speed.",
        "fastconv info --no-measure",
    ),
    "plan": (
        "Print how a convolution would run, and why.",
        "fastconv plan 64@56x56 64@3x3 --padding same",
    ),
    "filter": (
        "Filter a photograph by a named kernel or your own.",
        "fastconv filter photo.jpg --kernel sobel -o edges.png",
    ),
    "patch": (
        "Run a script with SciPy's filters over fastconv.",
        "fastconv patch --status script.py",
    ),
    "calibrate": (
        "Measure how long sums and Fourier transforms take here.",
        "fastconv calibrate -o calibration.json",
    ),
    "bench": (
        "Check and time convolutions against other libraries.",
        "fastconv bench --quick",
    ),
}
ERRORS = (ValueError, TypeError, OSError, ImportError, MemoryError, OverflowError, RuntimeError)


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    name = f"fastconv {words[0]}" if words[:1] and words[0] in COMMANDS else "fastconv"
    try:
        code = run(words)
        if sys.stdout is not None:  # it is None where the shell has closed it
            sys.stdout.flush()
    except BrokenPipeError:  # `fastconv info | head -1`
        code = 1
    except KeyboardInterrupt:
        code = 130
    except ERRORS as error:
        print(f"{name}: {message_of(error)}", file=sys.stderr)
        code = 2
    discard_unwritable_output()
    return code


def run(words: list[str]) -> int:
    """Read the words and run their command."""
    parser = build_parser(words)
    if not words:
        parser.print_help()
        return 0
    try:
        options, unknown = parser.parse_known_args(words)
        if unknown:
            options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    except SystemExit as stop:  # --help, or a refusal that is printed by now
        return stop.code
    check_environment()
    try:
        return options.run(options) or 0
    except (ValueError, TypeError) as error:
        raise type(error)(in_options(str(error), options.parser.options())) from error


def message_of(error: BaseException) -> str:
    """An error as one line.

    >>> message_of(FileNotFoundError(2, "No such file", "x.png")), message_of(MemoryError())
    ('x.png: No such file', 'not enough memory')
    """
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError) and not text:
        text = "not enough memory"
    return " ".join(text.split()) or type(error).__name__


def discard_unwritable_output() -> None:
    """Let go of what could not be printed, or Python complains of it once more at its end."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def check_environment() -> None:
    """Raise for a variable FASTCONV_... whose value cannot be used."""
    from .._plan.settings import current

    current()


def build_parser(words: list[str]) -> Parser:
    """The parser; only the module of the command that `words` ask for is imported."""
    width = max(map(len, COMMANDS))
    examples = [f"  {name:<{width}}  {row[1]}" for name, row in COMMANDS.items()]
    parser = Parser(
        prog="fastconv",
        description="Fast convolution of NumPy arrays on the CPU.",
        epilog="\n".join(["examples:", *examples, "", "`fastconv COMMAND --help` tells more."]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=PrintVersion, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (summary, example) in COMMANDS.items():
        added = commands.add_parser(
            name, help=summary, description=summary, epilog=f"example: {example}"
        )
        if words[0:1] == [name]:
            module = import_module(f".{name}", __package__)
            module.add_arguments(added)
            added.set_defaults(run=module.run, parser=added, words=words)
    return parser


class PrintVersion(argparse.Action):
    """``--version``, which imports the package only when asked."""

    def __call__(self, parser, namespace, values, option_string=None):
        from .. import __version__

        print(f"fastconv {__version__}")
        parser.exit()
