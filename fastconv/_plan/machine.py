# SPDX-License-Identifier: BSD-3-Clause
"""Facts about this machine: caches, processor, memory.

Facts are read once and kept. Nothing here imports the compiled kernels.
"""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

CPU_DIRECTORY = Path("/sys/devices/system/cpu")
CPUINFO = Path("/proc/cpuinfo")
FALLBACK_CACHES = {"L1d": 32 * 1024, "L2": 512 * 1024, "L3": None}
SYSCONF_CACHES = {
    "L1d": "SC_LEVEL1_DCACHE_SIZE",
    "L2": "SC_LEVEL2_CACHE_SIZE",
    "L3": "SC_LEVEL3_CACHE_SIZE",
}


def caches() -> dict[str, int | None]:
    """Bytes of each data cache that one core can use; a shared cache counts whole.

    The keys are ``"L1d"``, ``"L2"`` and ``"L3"``. Read from sysfs, else from ``sysconf``; a level
    that neither knows takes a cautious default (32 KiB, 512 KiB, None).

    >>> list(caches())
    ['L1d', 'L2', 'L3']
    """
    return (_assumed or _caches()).copy()


_assumed: dict[str, int | None] = {}


@contextmanager
def assuming_caches(**sizes: int | None) -> Iterator[None]:
    """For tests: inside, `caches` says these sizes; a level that is left out takes its default.
    Plans that were made with others stay until `execute.forget`."""
    global _assumed
    before, _assumed = _assumed, FALLBACK_CACHES | sizes
    try:
        yield
    finally:
        _assumed = before


@cache
def _caches() -> dict[str, int | None]:
    return read_caches(CPU_DIRECTORY / f"cpu{first_cpu()}" / "cache", sysconf_caches())


def read_caches(directory: Path, sysconf: dict[str, int]) -> dict[str, int | None]:
    """Each level from a sysfs ``cpuN/cache`` directory, else from `sysconf`, else the default."""
    known = sysconf | sysfs_caches(directory)
    return {level: known.get(level, default) for level, default in FALLBACK_CACHES.items()}


def sysfs_caches(directory: Path) -> dict[str, int]:
    """The data caches that a sysfs ``cpuN/cache`` directory describes; empty without one."""
    found = {}
    for index in sorted(directory.glob("index[0-9]*")):
        try:
            level, kind, size = (
                (index / name).read_text().strip() for name in ("level", "type", "size")
            )
            if kind != "Instruction":
                found[f"L{level}d" if level == "1" else f"L{level}"] = parse_size(size)
        except (OSError, ValueError):
            continue
    return found


def sysconf_caches() -> dict[str, int]:
    """The data caches that ``sysconf`` knows (glibc); empty elsewhere."""
    found = {}
    for level, name in SYSCONF_CACHES.items():
        if name in getattr(os, "sysconf_names", {}):
            try:
                size = os.sysconf(name)
            except (OSError, ValueError):
                continue
            if size > 0:
                found[level] = size
    return found


def parse_size(text: str) -> int:
    """Bytes in a sysfs size.

    >>> parse_size("32K"), parse_size("2M"), parse_size("512")
    (32768, 2097152, 512)
    """
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    size = int(text[:-1]) * units[text[-1]] if text[-1:] in units else int(text)
    if size <= 0:
        raise ValueError(f"a cache of {text!r} bytes")
    return size


def affinity() -> set[int] | None:
    """The CPUs that this process may run on, None where the system does not tell."""
    try:
        return os.sched_getaffinity(0)
    except (AttributeError, OSError):
        return None


def first_cpu() -> int:
    """A CPU that stands for the others: the first that this process may run on."""
    return min(affinity() or {0})


@cache
def cpu_name(cpuinfo: Path = CPUINFO) -> str:
    """The processor in its maker's words, or the architecture where the system keeps silent."""
    try:
        for line in cpuinfo.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "cpu model", "Model") and value.strip():
                return " ".join(value.split())
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown"


def memory_bytes() -> int | None:
    """Bytes of main memory, None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def facts() -> dict[str, object]:
    """What ``fastconv info`` and a benchmark report say of the machine.

    >>> sorted(facts())
    ['affinity', 'architecture', 'caches', 'cpu', 'cpus', 'memory', 'system']
    """
    allowed = affinity()
    return {
        "cpu": cpu_name(),
        "architecture": platform.machine(),
        "system": platform.platform(),
        "cpus": os.cpu_count() or 1,
        "affinity": len(allowed) if allowed is not None else None,
        "memory": memory_bytes(),
        "caches": caches(),
    }
