# SPDX-License-Identifier: BSD-3-Clause
"""What tests may replace while plans are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Hook:
    """A value that plans are made with, such as a function that chooses."""

    def __init__(self, value: Any) -> None:
        self.value = value

    @contextmanager
    def set(self, value: Any) -> Iterator[None]:
        """Plans that are made inside, in any thread, are made with another value. Call
        `kept.forget` before and after."""
        before, self.value = self.value, value
        try:
            yield
        finally:
            self.value = before
