# SPDX-License-Identifier: BSD-3-Clause
"""``fastconv info``: the build, the machine, and how fast it is."""

import json
import os
import platform

from .._plan import machine
from .parse import Parser

SECONDS = 0.2  # of each measurement


def add_arguments(parser: Parser) -> None:
    """The options of the command."""
    add = parser.add_argument
    add("--isas", action="store_true", help="print only the ISAs that this CPU can run")
    add("--json", action="store_true", help="print JSON")
    add("--no-measure", action="store_true", help="do not measure the peak rates")


def run(options) -> None:
    """Print the report."""
    if options.isas:
        print("\n".join(usable_isas()))
        return
    report = collect(speed=not options.no_measure)
    print(json.dumps(report, indent=2) if options.json else as_text(report))


def usable_isas() -> tuple[str, ...]:
    """The instruction sets that are compiled and that this CPU has, the best one last."""
    from .._core import table

    return table.isas_usable()


def collect(speed: bool) -> dict[str, object]:
    """Everything that ``fastconv info`` reports, in plain values."""
    import numpy as np

    from .. import __version__, get_num_threads
    from .._core import table
    from .._plan.settings import current, processors

    report = {
        "version": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "compiler": table.compiler(),
        "isas_compiled": list(table.isas_compiled()),
        "isas_usable": list(table.isas_usable()),
        "threads": get_num_threads(),
        "threads_from": threads_from(),
        **machine.facts(),
    }
    if report["affinity"] is not None:  # OpenMP may have bound this thread to one CPU since
        report["affinity"] = processors()
    if speed:
        isa = current().isa or report["isas_usable"][-1]
        report["measured"] = measure_speed(isa, report["threads"])
    return report


def threads_from() -> str:
    """Where the number of threads comes from.

    >>> isinstance(threads_from(), str)
    True
    """
    from .._plan.settings import current, default_threads, processors

    if current().threads is not None:
        variable = "FASTCONV_NUM_THREADS"
        return variable if os.environ.get(variable, "").strip() else "set_num_threads"
    least = default_threads()  # of the three that follow
    if least == processors():
        return "CPU affinity"
    omp = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return "OMP_NUM_THREADS" if omp == str(least) else "cgroup quota"


def measure_speed(isa: str, threads: int) -> dict[str, object]:
    """FMA peak and copy bandwidth, with one thread and with all."""
    from .._core import measure

    counts = sorted({1, threads})
    return {
        "isa": isa,
        "fma_peak": {
            dtype: {str(n): measure.fma_peak(isa, dtype_char, n, SECONDS) for n in counts}
            for dtype, dtype_char in (("float32", "f"), ("float64", "d"))
        },
        "copy_bandwidth": {str(n): measure.copy_bandwidth(n, SECONDS) for n in counts},
    }


def as_text(report: dict) -> str:
    """The report as aligned lines."""
    sizes = report["caches"].items()
    cpus = f"{report['cpus']} CPUs"
    if report["affinity"] is not None:
        cpus += f", {report['affinity']} allowed to this process"
    rows = [
        ("fastconv", report["version"]),
        ("Python", f"{report['python']}, NumPy {report['numpy']}"),
        ("compiler", report["compiler"]),
        ("ISAs compiled", " ".join(report["isas_compiled"])),
        ("ISAs usable", " ".join(report["isas_usable"])),
        ("CPU", f"{report['cpu']} ({report['architecture']})"),
        ("CPUs", cpus),
        ("caches", ", ".join(f"{level} {binary_size(size)}" for level, size in sizes)),
        ("memory", binary_size(report["memory"])),
        ("threads", f"{report['threads']} ({report['threads_from']})"),
    ]
    measured = report.get("measured")
    if measured:
        for dtype, peaks in measured["fma_peak"].items():
            name = f"FMA peak {dtype}"
            rows.append((name, in_threads(peaks, "GFLOP/s") + f" ({measured['isa']})"))
        rows.append(("copy bandwidth", in_threads(measured["copy_bandwidth"], "GB/s")))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def in_threads(rates: dict[str, float], unit: str) -> str:
    """Rates by number of threads, in billions a second."""
    words = (f"{n} thread{'s' * (n != '1')}" for n in rates)
    return ", ".join(
        f"{rate / 1e9:.1f} {unit} with {word}"
        for word, rate in zip(words, rates.values(), strict=True)
    )


def binary_size(size: int | None) -> str:
    """Bytes in the largest binary unit that keeps the number at 1 or above.

    >>> binary_size(32768), binary_size(3 << 19), binary_size(None)
    ('32 KiB', '1.5 MiB', 'unknown')
    """
    if size is None:
        return "unknown"
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << power:
            return f"{size / (1 << power):.4g} {unit}"
    return f"{size} B"
