# SPDX-License-Identifier: BSD-3-Clause
"""What `fastconv.patch.status` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

UNUSED = "not used so far"  # the reason of an entry whose module is not imported


@dataclass(frozen=True)
class EntryStatus:
    """A compiled function of SciPy, and what became of the calls of it.

    name
        such as 'ndimage.correlate1d'.
    ours
        whether fastconv has a function for it that gives the same bits.
    reason
        why not, else empty.
    served, handed_over
        the number of calls that fastconv computed, and of those that SciPy did, by reason.
    """

    name: str
    ours: bool
    reason: str
    served: int
    handed_over: Mapping[str, int]

    def __str__(self) -> str:
        state = "ours" if self.ours else self.reason
        state = state if self.ours or state == UNUSED else f"left alone: {state}"
        handed = sum(self.handed_over.values())
        lines = [f"{self.name:<28}{self.served:>10}{handed:>13}  {state}"]
        for reason, count in sorted(self.handed_over.items(), key=lambda item: -item[1]):
            lines.append(f"{'':<38}{count:>13}  {reason}")
        return "\n".join(lines)


@dataclass(frozen=True, repr=False)
class Status:
    """What the patch does, as text and as data.

    scipy
        the version of SciPy, or None if it was not needed so far.
    installed
        whether SciPy calls fastconv in the whole process.
    here
        whether it does in this context.
    entries
        an `EntryStatus` for each compiled function of SciPy that fastconv can replace, by name.

    >>> entry = EntryStatus("ndimage.correlate1d", True, "", 2, {"dtype float128": 1})
    >>> Status("1.17.1", True, True, {entry.name: entry})
    fastconv in SciPy 1.17.1: installed for the process
    entry                           served  handed over
    ndimage.correlate1d                  2            1  ours
                                                      1  dtype float128
    """

    scipy: str | None
    installed: bool
    here: bool
    entries: Mapping[str, EntryStatus]

    @property
    def served(self) -> int:
        """The calls that fastconv computed."""
        return sum(entry.served for entry in self.entries.values())

    @property
    def handed_over(self) -> int:
        """The calls that fastconv gave back to SciPy."""
        return sum(sum(entry.handed_over.values()) for entry in self.entries.values())

    def as_dict(self) -> dict[str, Any]:
        """The same in dicts, strings and numbers only, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        where = "for this context" if self.here else "not installed"
        where = "for the process" if self.installed else where
        where = where if where == "not installed" else f"installed {where}"
        version = f"SciPy {self.scipy}" if self.scipy else "SciPy"
        lines = [f"fastconv in {version}: {where}"]
        lines.append(f"{'entry':<28}{'served':>10}{'handed over':>13}")
        return "\n".join([*lines, *map(str, self.entries.values())])

    __repr__ = __str__
