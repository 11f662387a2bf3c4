# SPDX-License-Identifier: BSD-3-Clause
"""How a call runs: algorithms, schedules, costs, and the plans that are kept."""
