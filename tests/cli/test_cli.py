# SPDX-License-Identifier: BSD-3-Clause
"""The command line, as a user types it."""

import json
import os
import shlex
import signal
import subprocess
import sys

import numpy as np
import pytest
from arrays import EVERY

import fastconv
from fastconv._plan import machine
from fastconv.cli import info
from fastconv.cli.main import COMMANDS, build_parser, message_of

# ---- the command itself ------------------------------------------------------------------------


def test_version(run):
    assert run("--version") == (0, f"fastconv {fastconv.__version__}\n", "")


def fastconv_command(*words, **said):
    """The command in a process of its own."""
    command = [sys.executable, "-P", "-m", "fastconv", *map(str, words)]
    return subprocess.run(command, text=True, stderr=subprocess.PIPE, **said)


def test_without_arguments_each_command_has_an_example(run):
    code, out, err = run()
    assert (code, err) == (0, "")
    for name, (_, example) in COMMANDS.items():
        assert f"  {name} " in out
        assert example.startswith(f"fastconv {name} ")
        assert example in out
        assert f"example: {example}" in run(name, "--help")[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_example_is_a_command_line(name, tmp_path, monkeypatch):
    """And none but bench imports its package."""
    words = shlex.split(COMMANDS[name][1])[1:]
    assert build_parser(words).parse_args(words).parser.prog == f"fastconv {name}"


def test_no_command_loads_what_it_does_not_need(run):
    command = "import sys\nfrom fastconv.cli.main import main\nmain(['info', '--isas'])\n"
    command += "print(*(name for name in sys.modules if name.startswith('fastconv.')))"
    done = subprocess.run([sys.executable, "-P", "-c", command], capture_output=True, text=True)
    cli = {name for name in done.stdout.split() if name.startswith("fastconv.cli.")}
    assert cli == {f"fastconv.cli.{name}" for name in ("main", "parse", "info")}
    assert "benchmarks" not in done.stdout


def test_module_and_help():
    words = [sys.executable, "-P", "-m", "fastconv", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: fastconv")
    assert all(word in done.stdout for word in ("info", "plan", "filter", "calibrate", "bench"))


@pytest.mark.parametrize("words", [("paint",), ("plan", "3@8x8"), ("info", "--colour")])
def test_a_wrong_command_line_is_one_line(fails, words):
    assert "--help" in fails(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("info", "--no-measure"),
        ("plan", "3@8x8", "4@3x3"),
        ("filter", "in.png", "--kernel", "mean", "-o", "out.png"),
        ("bench", "--list"),
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("name", ["ISA", "NUM_THREADS", "ALGORITHM"])
def test_a_wrong_environment_is_one_line(words, name):
    command = [sys.executable, "-P", "-m", "fastconv", *words]
    environment = os.environ | {f"FASTCONV_{name}": "magic"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"fastconv {words[0]}: FASTCONV_{name} is 'magic'")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [("info", "--no-measure"), ("info", "--help"), ("--version",)])
def test_a_full_disk_is_one_line(words):
    if not os.path.exists("/dev/full"):
        return
    with open("/dev/full", "w") as full:
        done = fastconv_command(*words, stdout=full)
    assert done.returncode == 2
    assert done.stderr.endswith("No space left on device\n")
    assert done.stderr.count("\n") == 1


def test_a_closed_pipe_and_a_closed_output_are_silent():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        done = fastconv_command("info", "--no-measure", stdout=pipe)
    assert (done.returncode, done.stderr) == (1, "")
    done = fastconv_command("info", "--isas", preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", [("info",), ("bench", "--quick", "--rivals", "numpy")])
def test_ctrl_c_ends_a_command_with_130(words):
    """The signal goes to the whole group, as from a terminal."""
    start = "import signal, sys\nfrom fastconv.cli.main import main\n"
    start += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell may ignore it
    start += "print('on', flush=True)\nsys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-P", "-c", start, *words]
    child = subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert child.stdout.readline() == "on\n"
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.3)
    os.killpg(child.pid, signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (130, "")


def test_an_error_is_one_sentence_even_without_a_text():
    assert message_of(MemoryError()) == "not enough memory"
    assert message_of(OSError(28, "No space left on device")) == "No space left on device"
    assert message_of(ValueError("two\nlines")) == "two lines"
    assert message_of(RuntimeError()) == "RuntimeError"


def test_every_option_has_a_help_text(run):
    for command in ("info", "plan", "filter", "calibrate", "bench"):
        _, out, _ = run(command, "--help")
        lines = out[out.index("positional" if "positional" in out else "options") :].splitlines()
        for line, after in zip(lines, [*lines[1:], ""], strict=True):
            if line.startswith("  ") and line[2] != " ":
                told = "  " in line.strip() or after.startswith(" " * 20)
                assert told, f"{command}: {line}"


# ---- info --------------------------------------------------------------------------------------


def test_info_without_measuring(run):
    code, out, err = run("info", "--no-measure")
    assert (code, err) == (0, "")
    for word in (fastconv.__version__, np.__version__, "generic", "caches", "threads", "CPU"):
        assert word in out
    assert "GFLOP/s" not in out


def test_info_measures(run, monkeypatch):
    monkeypatch.setattr(info, "SECONDS", 0.01)
    code, out, _ = run("info", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["isas_usable"][-1] == report["measured"]["isa"]
    for dtype in ("float32", "float64"):
        assert report["measured"]["fma_peak"][dtype]["1"] > 1e8
    assert report["measured"]["copy_bandwidth"]["1"] > 1e8
    assert "GFLOP/s with 1 thread" in info.as_text(report)


def test_info_lists_usable_isas(run):
    code, out, _ = run("info", "--isas")
    assert code == 0
    assert out.split()[0] == "generic"


def test_info_names_the_source_of_the_threads():
    command = "from fastconv.cli import info; print(info.threads_from())"

    def ask(**environment):
        words = [sys.executable, "-P", "-c", command]
        silent = {name: os.environ[name] for name in os.environ if not name.endswith("_THREADS")}
        done = subprocess.run(
            words, env=silent | environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert ask(FASTCONV_NUM_THREADS="2") == "FASTCONV_NUM_THREADS"
    assert ask() in ("CPU affinity", "cgroup quota")
    assert ask(OMP_PROC_BIND="true") == ask(), "OpenMP binds threads, not the process"
    if len(machine.affinity() or "") > 1 and ask() == "CPU affinity":
        assert ask(OMP_NUM_THREADS="1,4") == "OMP_NUM_THREADS"


# ---- plan --------------------------------------------------------------------------------------


def test_plan_prints_the_plan(run):
    shapes = (1, 6, 23, 19), (10, 3, 3, 5)
    keywords = {"stride": (2, 1), "padding": ((1, 0), (2, 2)), "dilation": 1, "groups": 2}
    keywords |= {"algorithm": "auto", "threads": 1}
    expected = str(
        fastconv.plan(
            fastconv.conv2d,
            *(np.zeros(shape, np.float64) for shape in shapes),
            **keywords,
        )
    )
    options = "--stride 2x1 --padding 1:0x2:2 --groups 2 --threads 1 --dtype float64"
    code, out, err = run("plan", "6@23x19", "10@3x5", *options.split())
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line for line in lines if not line.startswith("depends on")] == expected.splitlines()
    assert "depends on the values: another plan runs if weight holds inf or NaN" in lines


def test_plan_prints_what_is_done_on_the_way(run):
    options = "--channels-last --padding 1 --padding-mode edge,wrap --activation leaky_relu:0.5"
    code, out, err = run("plan", "6@23x19", "10@3x5", *options.split(), "--dtype", "float16")
    arrays = np.zeros((1, 23, 19, 6), "f2"), np.zeros((10, 6, 3, 5), "f2")
    said = {"padding": 1, "padding_mode": ("edge", "wrap"), "activation": ("leaky_relu", 0.5)}
    expected = fastconv.plan(fastconv.conv2d, *arrays, channels_last=True, **said)
    assert (code, out, err) == (0, f"{expected}\n", "")


@pytest.mark.parametrize("dtype", EVERY, ids=str)
def test_plan_takes_every_dtype(run, dtype):
    code, out, err = run("plan", "6@23x19", "10@3x5", "--dtype", dtype)
    assert (code, err) == (0, "")
    assert f"pack: input {dtype}" in out


@pytest.mark.parametrize(
    "words",
    [
        ("64@1021", "64@9"),
        ("2x16@9x11x13", "8@3", "--padding", "same"),
        ("16@31x29", "8@3x3", "--padding=-1", "--isa", "generic"),
        ("16@31x29", "8@3x3", "--algorithm", "direct", "--dilation", "2"),
        ("16@31x29", "8@3x3", "--activation", "clip:-1:6", "--dtype", "int16"),
    ],
)
def test_plan_takes(run, words):
    code, out, err = run("plan", *words)
    assert code == 0
    assert out
    assert not err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("64x56x56", "64@3x3"), "input"),
        (("64@56x56", "3x3"), "weight"),
        (("64@56x56", "2x64@3x3"), "weight"),
        (("64@4x4x4x4", "64@3"), "spatial"),
        (("64@56x56", "64@3x3", "--groups", "3"), "groups"),
        (("64@56x56", "64@3x3", "--padding", "1:1x1"), "padding"),
        (("64@56x56", "64@3x3", "--stride", "two"), "stride"),
        (("64@56x56", "64@3x3", "--padding", "sideways"), "padding"),
        (("64@5x5", "64@7x7"), ""),
        (("64@56x56", "64@3x3", "--stride", "0"), "stride"),
        (("64@56x56", "64@3x3", "--algorithm", "magic"), "magic"),
        (("64@56x56", "64@3x3", "--isa", "mmx"), "mmx"),
        (("64@56x56", "64@3x3", "--dtype", "int7"), "int7"),
        (("64@56x56", "64@3x3", "--dtype", "float128"), "float128"),
        (("64@56x56", "64@3x3", "--padding-mode", "reflect"), "mirror"),
        (("64@56x56", "64@3x3", "--padding-mode", "edge,wrap,edge"), "--padding-mode has 3"),
        (("64@56x56", "64@3x3", "--activation", "swish"), "swish"),
        (("64@56x56", "64@3x3", "--activation", "clip:a:b"), "activation"),
        (("64@56x56", "64@3x3", "--activation", "clip:0"), "clip:LOW:HIGH"),
        (("64@56x56", "64@3x3", "--threads", "0"), "threads"),
    ],
)
def test_plan_refuses(fails, words, message):
    assert message in fails("plan", *words)


def test_bfloat16_without_its_package_is_said(fails, monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    assert "pip install ml_dtypes" in fails("plan", "6@23x19", "10@3x5", "--dtype", "bfloat16")


def test_bench_has_help(run):
    code, out, _ = run("bench", "--help")
    assert code == 0
    assert "--json" in out
