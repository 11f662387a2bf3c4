# SPDX-License-Identifier: BSD-3-Clause
"""SciPy's own tests of its filters, with the drop-in: those must pass that pass without it.

    python tests/lib/scipy_suite.py [--all] [--jobs 2] [-k EXPRESSION]

runs those of the installed SciPy, by default the ones that take little time, with --all all that
are in the files, with the drop-in and without it. So no list of what passes has to be kept for each
version. For its runs this file is a plugin of pytest.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PATCH, REPORT, CHOICE = "SCIPY_SUITE_PATCH", "SCIPY_SUITE_REPORT", "SCIPY_SUITE_CHOICE"
FILES = {
    "ndimage": ("test_filters", "test_morphology"),
    "signal": ("test_signaltools", "test_upfirdn", "test_savitzky_golay"),
}
# Left out unless all are asked for: they take most of the time, or reach no function of ours.
SLOW = ("TestOAConvolve", "TestConvolve2d::test_large_array", "test_dont_overwrite", "TestHilbert",
        "TestFFTConvolve::test_many_sizes", "TestFFTConvolve::test_random_data",
        "test_filtfilt_gust", "TestVectorizedFilter", "TestResample::test_fft", "TestLinearFilter",
        "TestSOSFilt", "TestFiltFilt", "TestPartialFraction", "TestEnvelope", "distance_transform",
        "test_binary", "test_generate_structure", "test_iterate_structure", "test_hit_or_miss",
        "test_distance")  # fmt: skip
FEWEST = {"ndimage": 1500, "signal": 500}  # tests that pass in any version


# ---- the plugin --------------------------------------------------------------------------------


class Record:
    """What pytest calls: it notes how tests end."""

    def __init__(self):
        self.outcomes, self.seconds, self.status = {}, 0.0, None

    def pytest_collection_modifyitems(self, config, items):
        left_out = json.loads(os.environ[CHOICE])
        kept = [item for item in items if not any(word in item.nodeid for word in left_out)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept

    def pytest_runtest_logreport(self, report):
        self.seconds += report.duration
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid] = report.outcome

    def pytest_sessionfinish(self):
        report = {"outcomes": self.outcomes, "seconds": self.seconds}
        if os.environ.get(PATCH):
            from fastconv import patch

            status = patch.status()
            report |= {"served": status.served, "status": str(status)}
        Path(os.environ[REPORT]).write_text(json.dumps(report), encoding="utf-8")


def pytest_configure(config):
    if os.environ.get(PATCH):
        from fastconv import patch

        patch.install()
    config.pluginmanager.register(Record())


# ---- the runs ----------------------------------------------------------------------------------


def run(room, patched, left_out=SLOW, words=()):
    """The report of one module's tests, in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        path = [os.path.dirname(os.path.abspath(__file__)), os.environ.get("PYTHONPATH")]
        environ = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, path)), REPORT: str(report),
            PATCH: "1" if patched else "", CHOICE: json.dumps(left_out),
            "OPENBLAS_NUM_THREADS": "1", "PYTEST_ADDOPTS": "",
        }  # fmt: skip
        for kept in ("PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST", "PYTEST_PLUGINS"):
            environ.pop(kept, None)
        files = [f"scipy.{room}.tests.{name}" for name in FILES[room]]
        command = [
            *(sys.executable, "-X", "faulthandler", "-m", "pytest", "-q", "--tb=short"),
            *("-c", os.devnull, "--rootdir", folder, "-p", "no:cacheprovider", "-p", "no:xdist"),
            *("-p", "scipy_suite", *words, "--pyargs", *files),
        ]
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
        if not report.exists():
            raise RuntimeError(f"{room}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(report.read_text(encoding="utf-8")) | {"said": done.stdout}


def compared(rooms=tuple(FILES), left_out=SLOW, jobs=1, show=print, words=()):
    """(tests that pass only without the drop-in, how many pass with it, calls that it served)."""
    wrong, passed, served = [], 0, 0
    with ThreadPoolExecutor(jobs) as pool:
        runs = [
            [pool.submit(run, room, patched, left_out, words) for patched in (True, False)]
            for room in rooms
        ]
        for room, (with_ours, without) in zip(rooms, runs, strict=True):
            found, plain = with_ours.result(), without.result()["outcomes"]
            counts = Counter(found["outcomes"].values())
            show(", ".join(f"{count} {how}" for how, count in counts.items()))
            show(f"scipy.{room}: {found['seconds']:.1f} s\n{found['status']}")
            passing = [test for test, how in plain.items() if how == "passed"]
            alone = [test for test in passing if found["outcomes"].get(test) != "passed"]
            if alone or not passing:
                show(found["said"])
            wrong += alone
            passed += counts["passed"]
            served += found["served"]
    return wrong, passed, served


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="those that take long, too")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("-k", dest="words", help="as of pytest")
    said = parser.parse_args()
    begin = time.monotonic()
    words = ["-k", said.words] if said.words else []
    wrong, passed, served = compared(left_out=() if said.all else SLOW, jobs=said.jobs, words=words)
    print(*wrong, sep="\n")
    print(f"{passed} tests pass with the drop-in, {len(wrong)} pass only without it, "
          f"{served} calls served, {time.monotonic() - begin:.0f} s")  # fmt: skip
    return 1 if wrong or not served else 0


if __name__ == "__main__":
    sys.exit(main())
