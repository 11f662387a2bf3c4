# SPDX-License-Identifier: BSD-3-Clause
"""``python -m fastconv`` is the console script ``fastconv``."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
