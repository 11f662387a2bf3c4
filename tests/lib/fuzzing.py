# SPDX-License-Identifier: BSD-3-Clause
"""Random calls of the public functions, against a truth of their own.

    python tests/lib/fuzzing.py --cases 300000 --seed 7 --jobs 2

prints each case that fails, made small, as Python that reproduces it with this folder on the path.
Cases run in child processes: a crash is one more way to fail. A case depends on its seed and number
alone: ``--seed 7 --first 41 --cases 1`` runs it again. ``--only max_pool fold`` runs those of two
families, ``--only unweighted`` those of all functions without weights, and leaves out the others.
"""

import argparse
import os
import pprint
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from fuzz_cases import drawn
from fuzz_check import failure, inf, infj, nan
from fuzz_smaller import smaller
from fuzz_unweighted import WORDS

from fastconv._core import scratch

PROGRAM = __file__  # of the child processes
BATCH = 250  # cases of a child process
PATIENCE = 60  # seconds without a word from it
TRIES = 300  # to make a case smaller
SHRUNK = 3  # cases of a kind that are made smaller

# Defects that are known, each a function of a case: such cases are left out.
KNOWN = []


def known(case):
    return any(defect(case) for defect in KNOWN)


def work(seed, first, count, only=()):
    """What a child process does: says which case it begins, and what went wrong with it."""
    scratch.poison(True)
    for number in range(first, first + count):
        case = drawn(seed, number)
        if known(case) or (only and case["op"] not in only):
            continue
        print("case", number, flush=True)
        wrong = failure(case)
        if wrong:
            print("wrong", number, wrong.replace("\n", " "), flush=True)
    print("end", flush=True)


def batch(seed, only, first, end):
    """(number, what went wrong) of the cases from `first` to before `end`, in child processes."""
    failed = []
    while first < end:
        with tempfile.TemporaryFile("w+") as errors:
            child = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", PROGRAM, "--work", str(seed), str(first),
                 str(end - first), "--only", *only],
                stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip
            number, last = None, ""
            while True:
                watch = threading.Timer(PATIENCE, child.kill)
                watch.start()
                last = child.stdout.readline()
                watch.cancel()
                word, _, rest = last.partition(" ")
                if word == "case":
                    number = int(rest)
                elif word == "wrong":
                    failed.append((number, rest.partition(" ")[2].strip()))
                else:
                    break
            child.stdout.close()
            status = child.wait()
            errors.seek(0)
            said = errors.read()
        if word.strip() == "end" and status == 0:
            break
        if number is None:
            raise RuntimeError(f"no case was run: {said[-2000:]}")
        failed.append((number, f"{ended(status)}: {said[:300]}"))
        first = number + 1
    return failed


def ended(status):
    if status < 0:
        return f"{signal.Signals(-status).name} ended the process"
    return f"the process ended with status {status}"


class Trial:
    """A child process that tries cases, started again when it ends."""

    child = None

    def __call__(self, case):
        if self.child is None or self.child.poll() is not None:
            self.child = subprocess.Popen(
                [sys.executable, PROGRAM, "--try"], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
        watch = threading.Timer(PATIENCE, self.child.kill)
        watch.start()
        print(repr(case), file=self.child.stdin, flush=True)
        said = self.child.stdout.readline()
        watch.cancel()
        return said.strip() if said else ended(self.close())

    def close(self):
        if self.child:
            self.child.communicate()
            return self.child.returncode


def try_cases():
    """What a `Trial` runs: a case a line."""
    scratch.poison(True)
    for line in sys.stdin:
        print(
            failure(eval(line, {"inf": inf, "infj": infj, "nan": nan})).replace("\n", " "),
            flush=True,
        )


def kind_of(wrong):
    """What failures of one kind have in common."""
    words = re.sub(r"[-+]?\b[0-9][-+0-9.e]*|\binf\b|\bnan\b", "#", wrong)
    return re.sub(r"\(.*?\)", "()", words)[:48]


def shrunk(case, wrong):
    """A smaller case that fails alike, and how."""
    trial, tries, again = Trial(), 0, True
    while again and tries < TRIES:
        again = False
        for candidate in smaller(case):
            tries += 1
            said = trial(candidate)
            if kind_of(said)[:20] == kind_of(wrong)[:20]:
                case, wrong, again = candidate, said, True
                break
            if tries == TRIES:
                break
    trial.close()
    return case, wrong


def fuzz(cases, seed, first=0, jobs=1, show=print, only=()):
    """Run cases; returns [(number, what went wrong)]."""
    spans = [(n, min(n + BATCH, first + cases)) for n in range(first, first + cases, BATCH)]
    failed, kinds = [], Counter()
    with ThreadPoolExecutor(jobs) as pool:
        for found in pool.map(lambda span: batch(seed, only, *span), spans):
            for number, wrong in found:
                case, said = drawn(seed, number), wrong
                kinds[kind_of(wrong)] += 1
                if kinds[kind_of(wrong)] <= SHRUNK:
                    case, said = shrunk(case, wrong)
                show(reproducer(case, f"seed {seed}, case {number}: {said}"))
            failed += found
    return failed


def reproducer(case, wrong):
    text = pprint.pformat(case, width=100, sort_dicts=False, compact=True)
    return f"# {wrong}\nfrom fuzz_check import check, inf, infj, nan\ncheck({text})\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("--cases", 2000), ("--seed", 1), ("--first", 0), ("--jobs", 1)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--only", nargs="*", default=(), metavar="FAMILY")
    parser.add_argument("--work", type=int, nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--try", dest="trial", action="store_true", help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.trial:
        return try_cases()
    if said.work:
        return work(*said.work, said.only)
    begin = time.monotonic()
    only = tuple(op for name in said.only for op in (WORDS if name == "unweighted" else [name]))
    failed = fuzz(
        said.cases, said.seed, said.first, said.jobs, lambda text: print(text, flush=True), only
    )
    kinds = Counter(kind_of(wrong) for _, wrong in failed)
    for kind, count in kinds.most_common():
        print(f"{count:6d}  {kind}")
    print(f"{said.cases} cases of seed {said.seed}, {len(failed)} failed, "
          f"{time.monotonic() - begin:.0f} s")  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
