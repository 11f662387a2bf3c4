# SPDX-License-Identifier: BSD-3-Clause
"""Loading the compiled walks, with an OpenMP runtime that sleeps between calls."""

from __future__ import annotations

import os

# With its default, GNU's runtime lets threads spin after each parallel region. On a machine whose
# cores are shared that takes the time of others, and of the next region: an empty region entered
# every 20 ms took 7.9 ms (median, two virtual cores) and 0.02 ms with threads that sleep; entered
# back to back, sleeping costs 2 microseconds.
POLICY = "OMP_WAIT_POLICY"


def load() -> None:
    """Import the walks; the runtime reads the policy once, while it is loaded.

    What the user has set stays, and the environment is left as it was found.
    """
    ours = POLICY not in os.environ and "GOMP_SPINCOUNT" not in os.environ
    if ours:
        os.environ[POLICY] = "PASSIVE"
    try:
        from .kernels import walk  # noqa: F401
    finally:
        if ours:
            del os.environ[POLICY]
