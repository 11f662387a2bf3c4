# SPDX-License-Identifier: BSD-3-Clause
"""``fastconv bench``."""

from ..benchmarks.run import add_arguments, main

__all__ = ["add_arguments", "run"]

run = main
