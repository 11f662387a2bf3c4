# SPDX-License-Identifier: BSD-3-Clause
"""``fastconv patch``: run a script with SciPy's filters over fastconv.

The script runs as under ``python script.py``: as ``__main__``, with its own ``sys.argv``, and with
its own exit code and traceback.
"""

import os
import runpy
import sys
import types
from collections.abc import Sequence
from io import open_code

from .parse import Parser

INTERRUPTED = 130


def add_arguments(parser: Parser) -> None:
    """The options of the command."""
    parser.usage = "fastconv patch [-h] [--status] (SCRIPT | -m MODULE) ..."
    parser.own = own_words
    add = parser.add_argument
    add("--status", action="store_true", help="print what was served, on stderr, at the end")
    add("-m", dest="module", metavar="MODULE", help="run a module, as `python -m` does")
    add("script", nargs="?", metavar="SCRIPT", help="a file; all words after it are its own")


def own_words(words: Sequence[str]) -> int:
    """How many words are those of the command: all up to the script or the module.

    >>> own_words(["--status", "script.py", "--help"]), own_words(["-m", "timeit", "-n", "1"])
    (2, 2)
    """
    for place, word in enumerate(words):
        if word == "-m":
            return min(place + 2, len(words))
        if not word.startswith("-") or word.startswith("-m"):
            return place + 1
    return len(words)


def run(options) -> int:
    """Run the script, and return its exit code."""
    from .. import patch
    from .._scipy.seam import report_at_exit

    if (options.script is None) is (options.module is None):
        options.parser.error("no script; name a file, or a module with -m")
    patch.install()
    if options.status:
        report_at_exit()
    try:
        if options.module is not None:
            run_module(options.module, options.rest)
        else:
            run_script(options.script, options.rest)
    except Failed as failed:
        return failed.code
    return 0


class Failed(Exception):
    """The script has raised, and its traceback is printed."""

    def __init__(self, code: int) -> None:
        self.code = code


def run_module(name: str, words: list[str]) -> None:
    """What ``python -m name`` does."""
    from importlib.util import find_spec

    set_first_path(os.getcwd())
    if find_spec(name) is None:
        raise ImportError(f"No module named {name}")
    sys.argv[:] = [name, *words]
    call_foreign(lambda: runpy.run_module(name, run_name="__main__", alter_sys=True))


def run_script(path: str, words: list[str]) -> None:
    """What ``python path`` does."""
    if os.path.isdir(path) or path.endswith((".zip", ".pyz")):
        set_first_path(path)
        sys.argv[:] = [path, *words]
        call_foreign(lambda: runpy.run_path(path, run_name="__main__"))
        return
    with open_code(os.path.abspath(path)) as file:
        text = file.read()
    set_first_path(os.path.dirname(os.path.realpath(path)))
    sys.argv[:] = [path, *words]
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=os.path.abspath(path), __builtins__=__builtins__)
    sys.modules["__main__"] = module  # and it stays: threads and pools of the script need it

    def execute() -> None:
        exec(compile(text, module.__file__, "exec", dont_inherit=True), module.__dict__)

    call_foreign(execute)


def set_first_path(folder: str) -> None:
    """Put the folder of a script where Python has put that of ours."""
    if not sys.flags.safe_path:
        sys.path[0] = folder


def call_foreign(function) -> None:
    """Call; an error is shown as Python would show it, without our own frames."""
    try:
        function()
    except SystemExit:
        raise
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and is_ours(trace.tb_frame.f_code.co_filename):
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
        raise Failed(code) from None


def is_ours(file: str) -> bool:
    """Whether this is a file, or a frozen module, that only runs the script."""
    return file in (__file__, runpy.__file__) or file.startswith("<frozen")
