# SPDX-License-Identifier: BSD-3-Clause
"""The public functions: each describes an operation."""
