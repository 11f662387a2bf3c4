# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark suite behind ``fastconv bench``: check every result, then time it.

cases.py       WHAT: the shapes that everyone times and tests, and their true results
rivals.py      WHO: one class per library, all forced to the same dtype and thread number
worker.py      the child: one rival in one process, a JSON line in, a JSON line out
process.py     the parent's handle on one child
measure.py     HOW: interleaved rounds over the rivals of one case, inside a time budget
report.py      the table, the summary lines and the JSON; plot.py draws the same numbers
contention.py  a busy core, and a call every 20 ms
run.py         the command line

A child never imports the package `fastconv` unless it times fastconv, so that nothing this
package does at import (thread settings, OpenMP runtime) reaches a rival.
"""
