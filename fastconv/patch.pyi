# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

class EntryStatus:
    name: str
    ours: bool
    reason: str
    served: int
    handed_over: Mapping[str, int]

class Status:
    scipy: str | None
    installed: bool
    here: bool
    entries: Mapping[str, EntryStatus]
    @property
    def served(self) -> int: ...
    @property
    def handed_over(self) -> int: ...
    def as_dict(self) -> dict[str, Any]: ...

def install() -> None: ...
def uninstall() -> None: ...
def installed() -> AbstractContextManager[None]: ...
def status() -> Status: ...
