# SPDX-License-Identifier: BSD-3-Clause
"""What is asked for: arguments, checked, as values."""
