# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark suite behind ``fastconv bench``: check every result, then time it.

case.py        one convolution: shape, dtype, layout, border, epilogue, and its name
kinds.py       what belongs to a dtype
cases.py       WHAT: the shapes that everyone times and tests, and their true results
features.py    the same shapes with what is offered beyond plain layers
groups.py      depthwise, transposed and image filters, and the groups that --group names
dropin.py      functions of SciPy over our kernels; scipy_calls.py: how they are called
base.py        WHO: what a library is to the benchmark, and fastconv as one;
arrays.py, networks.py   one class per library, all forced to the same dtype and thread number
rivals.py      the lists of them
worker.py      the child: one rival in one process, a JSON line in, a JSON line out
process.py     the parent's handle on one child
measure.py     HOW: interleaved rounds over the rivals of one case, inside a time budget
report.py      the tables and the JSON; plot.py draws the same numbers, page.py makes a page of them
summary.py     the lines below the tables: who is ahead of whom, what a feature costs
text.py        tables and lines of text that keep to a width
contention.py  a busy core, and a call every 20 ms
run.py         the run, from the first worker to the last line; cli/bench.py has its options

A child never imports the package `fastconv` unless it times fastconv, so that nothing this
package does at import (thread settings, OpenMP runtime) reaches a rival.
"""
