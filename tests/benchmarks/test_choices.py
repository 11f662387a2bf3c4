# SPDX-License-Identifier: BSD-3-Clause
"""tools/choices runs, and says how good the choices are."""

import re
import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "choices"


def test_it_compares_the_choice_with_all_ways():
    words = [sys.executable, str(TOOL), "--seconds", "1", "--threads", "1", "--seed", "3"]
    said = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert said.returncode == 0, said.stderr
    *_, last = said.stdout.splitlines()
    for name in ("best", "direct"):
        line = rf"^{name}: \d+ calls, geometric mean \d+\.\d\d, least \d+\.\d\d$"
        assert re.search(line, said.stdout, re.MULTILINE), said.stdout
    assert last.startswith(("direct", "loop"))
