# SPDX-License-Identifier: BSD-3-Clause
"""The command line: ``fastconv info | plan | filter | calibrate | bench``.

main.py    from the words of a command line to an exit code
parse.py   one word of a command line at a time
info.py, plan.py, filter.py, calibrate.py, bench.py   a command each: its options and what it prints
images.py, filtering.py   what ``fastconv filter`` reads, computes and writes
files.py   whether a file can be written, and writing it
"""
