# SPDX-License-Identifier: BSD-3-Clause
"""``fastconv bench``: its options, what it prints on 80 columns, the files that it writes."""

import doctest
import json
import os
import re
import sys

import numpy as np
import pytest

from fastconv.benchmarks import measure, page, report, rivals, text
from fastconv.benchmarks import run as bench_run
from fastconv.benchmarks.cases import CASES, QUICK, select
from fastconv.benchmarks.features import FEATURES, QUICK_FEATURES
from fastconv.benchmarks.groups import DEFAULT, EVERY_CASE, GROUPS, HEADINGS
from fastconv.cli import bench
from fastconv.cli.parse import Parser

SHORT = ("--cases", "16@32->16 3x3 N32", "--rounds", 1, "--budget", 0.5, "--threads", 1)


def options(*words):
    parser = Parser(prog="fastconv bench")
    bench.add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def made_up_run(cases, names=tuple(rivals.EVERYONE), threads=(2,)):
    """Times that nobody measured, of two to 200 % of the peak, some of them missing."""
    rng = np.random.default_rng(5)
    made = bench_run.Run(15, versions={name: f"1.{len(name)}" for name in names})
    for number in threads:
        peak = made.peaks[number] = measure.Peak(None, "avx2")
        peak.flops |= {"float32": 2.3e11, "float64": 1.2e11}
        made.results[number] = []
        for case in cases:
            timings = {}
            for name in names:
                seconds = max(case.flops or 1e8, 1e7) / 2.3e11 * 10.0 ** rng.uniform(-0.3, 1.7)
                times = [seconds, 1.3 * seconds]
                timings[name] = measure.Timing(times, times, 1e-7)
            timings["scipy"] = measure.Timing(reason="too slow for the time given", estimate=12.5)
            timings["opencv"] = measure.Timing(reason="wrong by 1e-1", wrong=True)
            made.results[number].append(measure.Result(case, number, timings))
    return made


# ---- options -----------------------------------------------------------------------------------


def test_the_cases_that_options_choose():
    def chosen(*words):
        return bench.chosen_cases(options(*words))

    assert chosen() == list(DEFAULT)
    assert [case.name for case in chosen("--quick")] == list(QUICK)
    assert chosen("--features") == list(FEATURES)
    assert chosen("--all") == list(EVERY_CASE)
    assert chosen("--all", "--features") == chosen("--group", "all") == list(EVERY_CASE)
    assert chosen("--all", "--quick") == [
        case for group in GROUPS for case in chosen("--quick", "--group", group)
    ]
    assert chosen("--quick", "--group", "dense", "features") == [
        *chosen("--quick"), *chosen("--quick", "--features")]  # fmt: skip
    assert chosen("--group", "dense") == list(CASES)
    assert chosen("--group", "filters", "depthwise") == [
        *GROUPS["depthwise"], *GROUPS["filters"]]  # fmt: skip
    assert chosen("--group", "dense", "--features") == [*CASES, *FEATURES]
    assert chosen("--cases", "* T") == select(GROUPS["transposed"], ["* T"])
    assert chosen("--cases", "64@56->64 3x3*") == select(CASES, ["64@56->64 3x3*"])
    assert chosen("--cases", "64@56->64 3x3*", "--group", "transposed", "--dtype", "float32") == [
        *select(GROUPS["transposed"], ["64@56->64 3x3*"])]  # fmt: skip
    assert chosen("--cases", "*NHWC") == select(FEATURES, ["*NHWC"])
    assert {case.dtype for case in chosen("--features", "--dtype", "int8")} == {"int8"}
    assert chosen("--features", "--quick") == select(FEATURES, QUICK_FEATURES)
    assert len(chosen("--features", "--quick")) > 20
    assert len(chosen("--random", 5)) == 20


def test_the_rivals_and_threads_and_seconds_that_options_choose():
    only = options("--rivals", "torch", "--threads", 2, 1, 2)
    assert bench.chosen_libraries(only, CASES) == [*rivals.OURS, "torch"]
    assert bench.chosen_libraries(only, FEATURES) == [*rivals.OURS, *rivals.PLAIN, "torch"]
    assert bench.chosen_threads(only) == [2, 1]
    assert bench.chosen_budget(only, CASES) == bench.BUDGET
    assert bench.chosen_budget(only, FEATURES) == bench.FEATURES_BUDGET
    assert bench.chosen_budget(only, CASES + FEATURES) == bench.BUDGET + bench.FEATURES_BUDGET
    assert bench.chosen_budget(only, DEFAULT) == bench.DEFAULT_BUDGET
    assert bench.chosen_budget(only, EVERY_CASE) == sum(bench.BUDGETS.values())
    assert bench.chosen_budget(only, GROUPS["filters"][:2]) == bench.BUDGETS["filters"]
    assert list(bench.BUDGETS) == list(GROUPS)
    assert bench.chosen_budget(options("--quick"), CASES) == bench.QUICK_BUDGET
    assert bench.chosen_budget(options("--full"), CASES) == float("inf")
    assert bench.chosen_budget(options("--full", "--budget", 3), CASES) == 3


def test_list(run):
    code, out, err = run("bench", "--list", "--dtype", "float64")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 10


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--cases", "no such"), "no case has such a name; --list"),
        (("--features", "--cases", "64@56->64 3x3"), "among the features; --list"),
        (
            ("--group", "dense", "filters", "--cases", "* T"),
            "such a name in dense, filters; --list",
        ),
        (("--group", "nothing"), "--group is 'nothing', but it must be one of "),
        (("--threads", 0), "--threads is '0', but it must be an integer of at least 1"),
        (("--rounds", "many"), "--rounds is 'many', but it must be an integer of at least 1"),
        (("--budget", "nan"), "--budget is 'nan', but it must be a number of seconds above 0"),
        (("--budget", "-1.5"), "--budget is '-1.5', but it must be a number of seconds above 0"),
        (("--random", "x"), "--random is 'x', but it must be an integer"),
        (("--rivals", "cudnn"), "--rivals is 'cudnn', but it must be one of "),
        (("--dtype", "int7"), "--dtype is 'int7', but it must be one of "),
        (("--isa", "mmx"), "--isa is 'mmx', but it must be one of 'generic'"),
        (("--json", "nowhere/a.json"), "--json nowhere/a.json: there is no folder"),
        (("--markdown", "nowhere/a.md"), "--markdown nowhere/a.md: there is no folder"),
        (("--plot", "nowhere/a.png"), "--plot nowhere/a.png: there is no folder"),
        (("--json", "."), "--json .: this is a folder, but it must be a file"),
        (("--plot", "a.txt"), "--plot is a.txt, but it must end in .png, .svg, .pdf"),
        (("--contention", "--plot", "a.png"), "--plot is given, but --contention must have"),
        (("--contention", "--markdown", "a.md"), "--markdown is given, but --contention"),
    ],
)
def test_refused_at_once(fails, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in fails("bench", *words)
    assert not os.listdir(tmp_path)


def test_missing_matplotlib_is_said(fails, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install matplotlib" in fails("bench", "--plot", tmp_path / "a.png")


# ---- what is printed ---------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 113, 400])
@pytest.mark.parametrize("cases", GROUPS.values(), ids=GROUPS)
def test_a_report_keeps_to_the_width_and_tells_everything(cases, width):
    made = made_up_run(cases)
    lines = bench_run.lines_of(made, 2, list(rivals.EVERYONE), width)
    assert max(map(len, lines)) <= width
    printed = "\n".join(lines)
    for word in (
        *rivals.OURS,
        *rivals.RIVALS,
        "plain-prepared",
        "GFLOP",
        "best other",
        "ratio",
        "wrong",
    ):
        assert word in printed
    assert not re.search(r"\b(rivals?|ahead|ours|one-shot)\b", printed)
    for result in made.results[2]:
        at = sum(line.startswith(result.case.name + "  ") for line in lines)
        assert at >= 2, "a row of ours, and at least one of the others"
        assert report.cell(result, "torch") in printed
    assert "~12500" in printed
    assert all(line == line.rstrip() for line in lines)


def test_overview_is_one_table_on_80_columns():
    made = made_up_run(EVERY_CASE)
    lines = report.overview(made.results[2], made.peaks[2], 80)
    assert sum(line.startswith("case ") for line in lines) == 1


def test_columns_of_nothing_are_left_out():
    made = made_up_run(CASES[:3], ("fastconv", "prepared", "torch"))
    for result in made.results[2]:
        del result.timings["scipy"], result.timings["opencv"]
    lines = report.times(made.results[2], list(rivals.EVERYONE), 80)
    assert lines[0].split() == ["case", "GFLOP", "torch"]
    for result in made.results[2]:
        del result.timings["torch"]
    assert report.times(made.results[2], list(rivals.EVERYONE), 80) == []
    assert report.overview(made.results[2], made.peaks[2], 80)[1].split()[-2:] == ["-", "-"]


def test_milliseconds_have_no_exponent():
    for seconds in (1.2e-6, 0.00999, 0.0996, 0.9996, 12.3, 4567.8):
        assert "e+" not in report.milliseconds(seconds)
    assert report.milliseconds(0.9996) == "1000"
    assert report.milliseconds(0.00345678) == "3.46"


@pytest.mark.parametrize("module", [text, page])
def test_doctests(module):
    result = doctest.testmod(module)
    assert result.attempted >= 2
    assert not result.failed


def test_progress_is_for_a_terminal(capsys, monkeypatch):
    text.Progress().show("half")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = text.Progress()
    progress.show("x" * 1000)
    progress.clear()
    _, shown, blank, _ = capsys.readouterr().err.split("\r")
    assert len(shown) == len(blank) == progress.width
    assert not blank.strip()


# ---- a run -------------------------------------------------------------------------------------


def test_a_run_with_all_its_files(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    files = ("--json", "a.json", "--markdown", "a.md", "--plot", "a.png")
    cases = (*SHORT[:2], "16@32->16 3x3 N32 NHWC", *SHORT[2:])
    code, out, err = run("bench", "--all", *cases, "--rivals", "numpy", *files)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert re.search(r"^16@32->16 3x3 N32 +[\d.]+ +\d+% +[\d.]+ +\d+%  +numpy  +[\d.]+$", out, re.M)
    plain, featured = json.loads((tmp_path / "a.json").read_text())["results"]
    assert set(plain["rivals"]) == {"fastconv", "prepared", "numpy"}
    assert {*rivals.OURS, *rivals.PLAIN} <= set(featured["rivals"])
    said = (tmp_path / "a.md").read_text()
    words = "fastconv bench --all --cases '16@32->16 3x3 N32' '16@32->16 3x3 N32 NHWC'"
    assert f"Written by `{words} --rounds 1 --budget 0.5" in said
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_a_run_of_what_is_not_prepared(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    words = ("--cases", "3@512 3x3 filter u8", "1@1024 5x5 separable", "--group", "filters")
    few = ("--rounds", 1, "--budget", 60, "--threads", 1)
    code, out, err = run("bench", *words, *few, "--rivals", "scipy")
    assert (code, err) == (0, "")
    both, single = (r"[\d.]+ +\d+[%c]", r"- +-")
    assert re.search(rf"^3@512 3x3 filter u8 +{both} +{both}  +scipy  +[\d.]+$", out, re.M)
    assert re.search(rf"^1@1024 5x5 separable +{both} +{single}  +scipy  +[\d.]+$", out, re.M)
    assert re.search(r"^copies: \d+ GB/s of 1.57 MB, \d+ GB/s of 8.39 MB$", out, re.M)


def test_a_full_disk_is_said(fails, tmp_path):
    if os.path.exists("/dev/full"):
        (tmp_path / "a.json").symlink_to("/dev/full")
        said = fails("bench", *SHORT, "--rivals", "numpy", "--json", tmp_path / "a.json")
        assert f"{tmp_path / 'a.json'}: No space left on device" in said


# ---- the page ----------------------------------------------------------------------------------


def cells_of(lines, first):
    """The rows of the table whose heading starts with the cell `first`."""
    at = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = []
    while at < len(lines) and lines[at].startswith("|"):
        rows.append([cell.strip() for cell in lines[at].strip("|").split("|")])
        at += 1
    return rows


def test_the_page_tells_machine_versions_command_and_tables():
    made = made_up_run([*CASES[:5], *FEATURES[:7]], threads=(1, 2))
    said = page.page(made, "fastconv bench --all")
    lines = said.splitlines()
    headings = [line for line in lines if line.startswith("#")]
    assert headings == [
        "# Benchmark",
        "## Machine",
        "## Layers and filters, 1 thread",
        "## Features, 1 thread",
        "## Layers and filters, 2 threads",
        "## Features, 2 threads",
    ]
    assert "Written by `fastconv bench --all` on " in said
    machine = {row[0]: row[1] for row in cells_of(lines, "")}
    assert set(rivals.RIVALS) | {"fastconv", "CPU", "system", "compiler"} <= set(machine)
    assert machine["FMA peak, 2 threads"].startswith("float32 230 GFLOP/s (avx2), float64 120")
    head, rule, *rows = cells_of(lines, "case")
    assert head[:6] == ["case", "GFLOP", "fastconv", "%", "prepared", "%"]
    assert head[-1] == "ratio"
    assert set(rule[1:]) == {"--:"}
    assert [row[0] for row in rows] == [case.name for case in CASES[:5]]
    assert all(sum(cell.startswith("**") for cell in row) == 1 for row in rows)
    assert all(len(row) == len(head) for row in rows)
    assert all(len(line) <= 100 for line in lines if not line.startswith(("|", "-")))
    assert not re.search(r"\bnan\b|\binf\b", said)


def test_the_page_has_a_part_for_each_group():
    made = made_up_run(EVERY_CASE)
    made.peaks[2].copies = {case.nbytes: 2e9 for case in GROUPS["depthwise"]}
    said = page.page(made, "fastconv bench --all")
    headings = re.findall(r"^## (.*), 2 threads$", said, re.M)
    assert headings == list(HEADINGS.values())
    for heading, cases in zip(headings, GROUPS.values(), strict=True):
        part = said.split(f"## {heading}, 2 threads\n")[1].split("\n## ")[0]
        head, rule, *rows = cells_of(part.splitlines(), "case")
        assert [row[0] for row in rows] == [case.name for case in cases]
        assert set(rule[1:]) == {"--:"}
        copied = [re.fullmatch(r"\d+c", row[head.index("%")]) for row in rows]
        assert any(copied) == (heading == HEADINGS["depthwise"])
    assert re.search(
        r"^\| copies, 2 threads \| 2 GB/s of 0.411 MB, 2 GB/s of 51.4 MB \|$", said, re.M
    )


def test_the_examples_of_the_page_run():
    """It is a page of docs/, whose examples all run."""
    said = page.page(made_up_run(CASES[:1]), "fastconv bench")
    blocks = re.findall(r"```python\n(.*?)```", said, flags=re.DOTALL)
    session = doctest.DocTestParser().get_doctest("".join(blocks), {}, "page", "page", 0)
    assert session.examples
    assert doctest.DocTestRunner().run(session).failed == 0
