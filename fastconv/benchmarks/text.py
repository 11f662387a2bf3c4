# SPDX-License-Identifier: BSD-3-Clause
"""Tables and lines of plain text that keep to the width of the terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence

GAP = "  "
NARROWEST = 40


def terminal_width() -> int:
    """Columns of the terminal, or COLUMNS; 80 where neither is known."""
    return max(NARROWEST, shutil.get_terminal_size().columns)


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """A table as lines of at most `width` characters.

    The first column names its row and stands left, the others stand right. Those that do not fit
    follow below, beside the first column once more.

    >>> rows = [("a", "1.5", "-"), ("b", "10", "2")]
    >>> print(*aligned(("case", "one", "two"), rows, 80), sep="\\n")
    case  one  two
    a     1.5    -
    b      10    2
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    sections: list[list[int]] = [[]]
    for index in range(1, len(head)):
        used = widths[0] + sum(len(GAP) + widths[i] for i in [*sections[-1], index])
        if used > width and sections[-1]:
            sections.append([])
        sections[-1].append(index)
    lines = []
    for section in sections:
        if lines:
            lines.append("")
        for row in (head, *rows):
            cells = [row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in section)]
            lines.append(GAP.join(cells).rstrip())
    return lines


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """A long line as several, all but the first one indented.

    >>> wrapped("1.5x  against the others", 16, "      ")
    ['1.5x  against', '      the others']
    """
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


class Progress:
    """One line on stderr that is written over, when a person looks at it."""

    def __init__(self) -> None:
        self.shown = sys.stderr is not None and sys.stderr.isatty()
        self.width = terminal_width() - 1

    def show(self, text: str) -> None:
        """Put `text` in place of what was shown before."""
        if self.shown:
            print(f"\r{text[: self.width]:<{self.width}}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self.shown:
            print(f"\r{'':<{self.width}}\r", end="", file=sys.stderr, flush=True)
