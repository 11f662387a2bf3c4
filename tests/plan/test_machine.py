# SPDX-License-Identifier: BSD-3-Clause
"""Facts about the machine, real and made up."""

import pytest

from fastconv._plan import machine


@pytest.fixture
def cpu_directory(tmp_path):
    """Writes a sysfs cache directory: rows of (level, type, size)."""

    def write(*rows):
        for number, row in enumerate(rows):
            index = tmp_path / f"index{number}"
            index.mkdir()
            for name, text in zip(("level", "type", "size"), row, strict=True):
                (index / name).write_text(f"{text}\n")
        return tmp_path

    return write


def test_caches_of_this_machine_are_plausible():
    caches = machine.caches()
    assert list(caches) == ["L1d", "L2", "L3"]
    assert 4 << 10 <= caches["L1d"] <= 1 << 20
    assert caches["L1d"] <= caches["L2"] <= 1 << 30
    assert caches["L3"] is None or caches["L3"] >= 1 << 19


def test_caches_cannot_be_changed_by_a_caller():
    machine.caches()["L2"] = 1
    assert machine.caches()["L2"] != 1


def test_sysfs_reads_data_and_unified_caches(cpu_directory):
    directory = cpu_directory(
        (1, "Data", "48K"),
        (1, "Instruction", "32K"),
        (2, "Unified", "2048K"),
        (3, "Unified", "105M"),
    )
    expected = {"L1d": 48 << 10, "L2": 2 << 20, "L3": 105 << 20}
    assert machine.sysfs_caches(directory) == expected


@pytest.mark.parametrize("size", ["", "0K", "lots", "-1K"])
def test_sysfs_passes_over_nonsense(cpu_directory, size):
    directory = cpu_directory((1, "Data", size), (2, "Unified", "512K"))
    assert machine.sysfs_caches(directory) == {"L2": 512 << 10}


def test_missing_levels_take_cautious_defaults(tmp_path):
    expected = {"L1d": 32 << 10, "L2": 512 << 10, "L3": None}
    assert machine.read_caches(tmp_path, {}) == expected


def test_sysfs_comes_before_sysconf(cpu_directory):
    directory = cpu_directory((1, "Data", "64K"), (4, "Unified", "99M"))
    got = machine.read_caches(directory, {"L1d": 1, "L3": 7 << 20})
    assert got == {"L1d": 64 << 10, "L2": 512 << 10, "L3": 7 << 20}


def test_caches_of_this_machine_are_what_is_read():
    directory = machine.CPU_DIRECTORY / f"cpu{machine.first_cpu()}" / "cache"
    assert machine.caches() == machine.read_caches(directory, machine.sysconf_caches())


def test_assumed_caches_hold_inside_only():
    real = machine.caches()
    with machine.assuming_caches(L2=1 << 17):
        assert machine.caches() == {"L1d": 32 << 10, "L2": 1 << 17, "L3": None}
        with machine.assuming_caches(L3=7):
            assert machine.caches() == {"L1d": 32 << 10, "L2": 512 << 10, "L3": 7}
        assert machine.caches()["L2"] == 1 << 17
    assert machine.caches() == real


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("processor\t: 0\nmodel name\t: A  Maker's CPU @ 3GHz\n", "A Maker's CPU @ 3GHz"),
        ("model name\t:\nModel\t\t: Board 4\n", "Board 4"),
        ("BogoMIPS\t: 108\n", None),
        (None, None),
    ],
)
def test_cpu_name(tmp_path, cpuinfo, expected):
    path = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        path.write_text(cpuinfo)
    name = machine.cpu_name(path)
    assert name == expected if expected else name


def test_facts_are_plain_values():
    facts = machine.facts()
    assert facts["cpus"] >= 1
    assert facts["affinity"] is None or 1 <= facts["affinity"] <= facts["cpus"]
    assert facts["memory"] is None or facts["memory"] > 1 << 20
    assert facts["cpu"] == machine.cpu_name()
