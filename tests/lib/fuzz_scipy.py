# SPDX-License-Identifier: BSD-3-Clause
"""Random calls of the drop-in for SciPy's filters, against SciPy itself.

    python tests/lib/fuzz_scipy.py --cases 1000000 --seed 7 --jobs 2

prints the first calls that differ, made small, as Python that reproduces them with this folder on
the path, and then how many calls of each function there were. Calls run in forked processes: a
crash is one more way to differ. A call depends on its seed and number alone: ``--seed 7 --first 41
--cases 1`` runs it again. ``--only ndimage.laplace upfirdn`` draws calls of these functions alone,
in another order. ``--itself`` compares SciPy with itself on other heaps, to see which of its
results depend on what it reads without having written.
"""

import argparse
import ast
import ctypes
import faulthandler
import importlib
import mmap
import os
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy_cases import NAMES, drawn
from scipy_check import SCIPY, compared, kind_of, modules
from scipy_faults import known
from scipy_smaller import smaller

BATCH = 4000  # calls of a process
PATIENCE = 60  # seconds for one call
TRIES = 400  # to make a call smaller
SHOWN = 2  # calls of a kind that are made smaller and shown
COUNTED = ("calls", "results", "errors", "left out")
PERTURB = -6  # glibc's M_PERTURB


def stirred(byte):
    """Fill what is allocated from now on, and the small blocks that NumPy keeps."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(PERTURB, byte)
    blocks = [np.full(size, byte, np.uint8) for size in (*range(1, 600), 800, 1000) for _ in "123"]
    del blocks


class Pair:
    """The modules that are compared: SciPy's with ours or any others, or with itself on other
    heaps."""

    def __init__(self, ours=None, heaps=False):
        self.heaps = heaps
        self.ours = ours or modules("fastconv")
        if getattr(self.ours.ndimage, "__name__", "") == "fastconv.ndimage":
            importlib.import_module("fastconv.patch")  # it counts, see `served`

    def __call__(self, call):
        """(how a call of one differs from the other's or nothing, whether it raises)."""
        heap = (lambda first: stirred(0x5A if first else 0xC3)) if self.heaps else (lambda first: 0)
        return compared(call, self.ours, SCIPY, heap)


# ---- forked processes --------------------------------------------------------------------------


class Child:
    """A process that runs a function of it: with memory that it shares, and a file of lines."""

    def __init__(self, run):
        size = (len(NAMES), len(COUNTED))
        self.counts = np.ndarray(size, np.int64, mmap.mmap(-1, 8 * size[0] * size[1]))
        self.number = np.ndarray(1, np.int64, mmap.mmap(-1, 8))
        self.number[0] = -1
        self.said = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.seen, self.since = -1, time.monotonic()
        self.late = False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's threads are idle
            self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                os.dup2(self.errors.fileno(), 2)
                faulthandler.enable()
                run(self)
                self.said.flush()
                code = 0
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
            finally:
                os._exit(code)

    def ended(self):
        """Whether it has ended; one that hangs is ended."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.status = os.waitstatus_to_exitcode(status)
            return True
        if self.number[0] != self.seen:
            self.seen, self.since = self.number[0], time.monotonic()
        elif time.monotonic() - self.since > PATIENCE and not self.late:
            self.late = True
            os.kill(self.pid, signal.SIGKILL)
        return False

    def close(self):
        """([what it said, a line for each], how it ended if not well)."""
        self.said.seek(0)
        self.errors.seek(0)
        lines = [ast.literal_eval(line) for line in self.said]
        said = [line.strip() for line in self.errors if line.strip()]
        self.said.close()
        self.errors.close()
        if self.status == 0:
            return lines, ""
        where = [line for line in said if "/scipy/" in line or "fastconv" in line][:1]
        name = signal.Signals(-self.status).name if self.status < 0 else f"status {self.status}"
        late = "late: " * self.late
        return lines, f"{late}{name} ended the process: {' '.join(where or said[:1])}"


def run_calls(child, pair, seed, first, end, names):
    """What a child does: it counts its calls, and has a line for each that differs."""
    for number in range(first, end):
        child.number[0] = number
        call = drawn(seed, number, names)
        counts = child.counts[NAMES.index(call.name)]
        if known(call):
            counts[3] += 1
            continue
        counts[0] += 1
        wrong, raised = pair(call)
        counts[2 if raised else 1] += 1
        if wrong:
            print(repr((number, wrong)), file=child.said, flush=True)
    print(repr((-1, served())), file=child.said)


def served():
    """How many calls each entry of the drop-in served and handed over, and why: in this process."""
    patch = sys.modules.get("fastconv.patch")
    entries = patch.status().entries.items() if patch else ()
    return {(name, why): count for name, entry in entries
            for why, count in (("served", entry.served), *entry.handed_over.items())
            if count}  # fmt: skip


def tried(pair, call):
    """What is wrong with a call, in a process of its own."""
    child = Child(lambda child: print(repr(pair(call)[0]), file=child.said))
    while not child.ended():
        time.sleep(0.0005)
    lines, trouble = child.close()
    return trouble or lines[0]


def shrunk(pair, call, wrong):
    """A smaller call that differs alike, and how."""
    tries, again = 0, True
    while again and tries < TRIES:
        again = False
        for candidate in smaller(call):
            tries += 1
            said = "" if known(candidate) else tried(pair, candidate)
            if said and kind_of(said)[:12] == kind_of(wrong)[:12]:
                call, wrong, again = candidate, said, True
                break
            if tries == TRIES:
                break
    return call, wrong


# ---- all of it ---------------------------------------------------------------------------------


def fuzz(cases, seed, first=0, jobs=1, show=print, names=NAMES, pair=None, counts=None, notes=None):
    """Run calls; returns [(number, what is wrong)]."""
    pair = pair or Pair()
    spans = [(n, min(n + BATCH, first + cases)) for n in range(first, first + cases, BATCH)][::-1]
    children, failed, kinds = {}, [], Counter()
    notes = Counter() if notes is None else notes
    while spans or children:
        while spans and len(children) < jobs:
            begin, end = spans.pop()
            child = Child(
                lambda child, begin=begin, end=end: run_calls(child, pair, seed, begin, end, names)
            )
            children[child] = end
        time.sleep(0.01)
        for child in [child for child in children if child.ended()]:
            end = children.pop(child)
            lines, trouble = child.close()
            found = [line for line in lines if line[0] >= 0]
            for _, counted in (line for line in lines if line[0] < 0):
                notes.update(counted)
            if counts is not None:
                counts += child.counts
            if trouble:
                at = int(child.number[0])
                if at < 0:
                    raise RuntimeError(f"no call was run: {trouble}")
                found.append((at, trouble))
                if at + 1 < end:
                    spans.append((at + 1, end))
            for at, wrong in found:
                call = drawn(seed, at, names)
                kind = f"{call.name}: {kind_of(wrong)}"
                kinds[kind] += 1
                if kinds[kind] <= SHOWN:
                    less, said = shrunk(pair, call, wrong)
                    show(reproducer(less, f"seed {seed}, call {at}: {said}"))
                failed.append((at, wrong))
    return failed


def reproducer(call, wrong):
    used = [name for name in ("Array", "Made", "Over", "Own") if f"{name}(" in repr(call)]
    used += [name for name in ("inf", "nan") if name in repr(call)]
    wrong = wrong.replace("\n", " ")
    return (f"# {wrong}\nfrom scipy_arrays import {', '.join(['Call', *used])}\n"
            f"from scipy_check import check\ncheck({call!r})\n")  # fmt: skip


def full_names(words):
    """NAMES of which a word is all or the last part."""
    found = tuple(name for name in NAMES if {name, name.split(".")[1]} & set(words))
    return found if words else NAMES


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("--cases", 20000), ("--seed", 1), ("--first", 0), ("--jobs", 1)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--only", nargs="*", default=(), metavar="NAME")
    parser.add_argument("--ours", default="fastconv", help="the package compared with SciPy")
    parser.add_argument("--itself", action="store_true", help="SciPy with itself on other heaps")
    said = parser.parse_args()
    begin, notes, counts = time.monotonic(), Counter(), np.zeros((len(NAMES), len(COUNTED)), int)
    names = full_names(said.only)
    failed = fuzz(
        said.cases, said.seed, said.first, said.jobs, lambda text: print(text, flush=True), names,
        Pair(SCIPY if said.itself else modules(said.ours), said.itself), counts, notes,
    )  # fmt: skip
    wrong = Counter(drawn(said.seed, at, names).name for at, _ in failed)
    print(f"{'':36}" + "".join(f"{word:>9}" for word in (*COUNTED, "differ")))
    for name in names:
        row = (*counts[NAMES.index(name)], wrong[name])
        print(f"{name:36}" + "".join(f"{n:9}" for n in row))
    for (name, why), count in sorted(notes.items(), key=lambda item: (item[0][0], -item[1])):
        print(f"{name:32}{count:9}  {why}")
    took = time.monotonic() - begin
    print(f"{said.cases} calls of seed {said.seed}, {len(failed)} differ, {took:.0f} s, "
          f"{said.cases / took:.0f} a second")  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
