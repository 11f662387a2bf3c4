# SPDX-License-Identifier: BSD-3-Clause
"""The command line, as a user types it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import fastconv
from fastconv import cli, images, info, machine

WIDTH, HEIGHT = 31, 23  # unequal primes


@pytest.fixture
def run(capsys):
    """Runs a command and returns (exit code, stdout, stderr)."""

    def call(*words):
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def fails(run):
    """Runs a command that must end with exit code 2 and one line on stderr; returns that line."""

    def call(*words):
        code, _, err = run(*words)
        assert code == 2
        assert err.endswith("\n")
        assert err.count("\n") == 1
        return err

    return call


@pytest.fixture
def image_module():
    return pytest.importorskip("PIL.Image")


def photograph(channels, dtype=np.uint8):
    """Smooth colours with an edge and some noise, (height, width, channels)."""
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[0 : 1 : 1j * HEIGHT, 0 : 1 : 1j * WIDTH]
    planes = [rows * (c + 1) / channels + columns / (c + 2) for c in range(channels)]
    picture = np.stack(planes, axis=-1) / 2 + 0.2 * (columns > 0.6)[..., None]
    picture += 0.05 * rng.standard_normal(picture.shape)
    top = np.iinfo(dtype).max
    return (np.clip(picture, 0, 1) * top).astype(dtype)


def filtered(plane, taps):
    """The plain sum over taps with repeated edges, in float64."""
    height, width = taps.shape
    margins = [((n - 1) // 2, n // 2) for n in taps.shape]
    padded = np.pad(plane.astype(np.float64), margins, "edge")
    total = np.zeros(plane.shape)
    for row in range(height):
        for column in range(width):
            part = padded[row : row + plane.shape[0], column : column + plane.shape[1]]
            total += taps[row, column] * part
    return total


def saturated(values, dtype):
    return np.clip(np.rint(values), 0, np.iinfo(dtype).max).astype(dtype)


def close(got, expected):
    """Equal but for a rounding that fell to the other side."""
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    return np.abs(got.astype(np.int64) - expected.astype(np.int64)).max() <= 1


# ---- the command itself ------------------------------------------------------------------------


def test_version(run):
    assert run("--version") == (0, f"fastconv {fastconv.__version__}\n", "")


def test_module_and_help():
    words = [sys.executable, "-P", "-m", "fastconv", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: fastconv")
    assert all(word in done.stdout for word in ("info", "plan", "filter", "bench"))


@pytest.mark.parametrize("words", [(), ("paint",), ("plan", "3@8x8"), ("info", "--colour")])
def test_a_wrong_command_line_is_one_line(fails, words):
    assert "--help" in fails(*words)


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
    command = "from fastconv import info; print(info.threads_from())"

    def ask(**environment):
        words = [sys.executable, "-P", "-c", command]
        silent = {name: os.environ[name] for name in os.environ if not name.endswith("_THREADS")}
        done = subprocess.run(
            words, env=silent | environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert ask(FASTCONV_NUM_THREADS="2") == "FASTCONV_NUM_THREADS"
    assert ask() in ("CPU affinity", "cgroup quota")
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
            *(np.empty(shape, np.float64) for shape in shapes),
            **keywords,
        )
    )
    options = "--stride 2x1 --padding 1:0x2:2 --groups 2 --threads 1 --dtype float64"
    code, out, err = run("plan", "6@23x19", "10@3x5", *options.split())
    assert (code, out, err) == (0, expected + "\n", "")


@pytest.mark.parametrize(
    "words",
    [
        ("64@1021", "64@9"),
        ("2x16@9x11x13", "8@3", "--padding", "same"),
        ("16@31x29", "8@3x3", "--padding=-1", "--isa", "generic"),
        ("16@31x29", "8@3x3", "--algorithm", "direct", "--dilation", "2"),
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
        (("64@56x56", "64@3x3", "--dtype", "int8"), "int8"),
        (("64@56x56", "64@3x3", "--threads", "0"), "threads"),
    ],
)
def test_plan_refuses(fails, words, message):
    assert message in fails("plan", *words)


# ---- filter ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_mean_of_a_grey_image(run, tmp_path, image_module, dtype):
    picture = photograph(1, dtype)[..., 0]
    source, result = tmp_path / "in.png", tmp_path / "out.png"
    image_module.fromarray(picture).save(source)
    code, out, err = run("filter", source, "--kernel", "mean", "--size", 5, "-o", result)
    assert (code, err) == (0, "")
    assert f"{WIDTH}x{HEIGHT}" in out
    expected = saturated(filtered(picture, np.full((5, 5), 1 / 25)), dtype)
    assert close(np.asarray(image_module.open(result)), expected)


def test_sobel_is_the_gradient_magnitude(run, tmp_path, image_module):
    picture = photograph(3)
    image_module.fromarray(picture).save(tmp_path / "in.png")
    code, *_ = run("filter", tmp_path / "in.png", "--kernel", "sobel", "-o", tmp_path / "out.png")
    assert code == 0
    got = np.asarray(image_module.open(tmp_path / "out.png"))
    for channel in range(3):
        parts = (filtered(picture[..., channel], taps) for taps in (images.SOBEL, images.SOBEL.T))
        assert close(got[..., channel], saturated(np.hypot(*parts), np.uint8))


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_kept(run, tmp_path, image_module, channels):
    picture = photograph(channels)
    image_module.fromarray(picture).save(tmp_path / "in.png")
    words = ("filter", tmp_path / "in.png", "--kernel", "gaussian", "-o", tmp_path / "out.png")
    code, out, _ = run(*words, "--sigma", 1.5)
    assert code == 0
    assert "alpha kept" in out
    got = np.asarray(image_module.open(tmp_path / "out.png"))
    assert np.array_equal(got[..., -1], picture[..., -1])
    assert got[..., 0].std() < picture[..., 0].std()


def test_gaussian_keeps_a_flat_image(run, tmp_path, image_module):
    flat = np.full((HEIGHT, WIDTH), 200, np.uint8)
    image_module.fromarray(flat).save(tmp_path / "in.png")
    words = ("filter", tmp_path / "in.png", "--kernel", "gaussian", "-o", tmp_path / "out.png")
    assert run(*words, "--sigma", 4)[0] == 0
    assert np.array_equal(np.asarray(image_module.open(tmp_path / "out.png")), flat)


def test_sharpening_saturates(run, tmp_path, image_module):
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    picture[7:, 11:] = 255
    image_module.fromarray(picture).save(tmp_path / "in.png")
    words = ("filter", tmp_path / "in.png", "--kernel", "sharpen", "-o", tmp_path / "out.png")
    assert run(*words)[0] == 0
    assert np.array_equal(np.asarray(image_module.open(tmp_path / "out.png")), picture)


@pytest.mark.parametrize("ending", ["txt", "csv", "npy"])
def test_a_kernel_file_is_applied_as_written(run, tmp_path, image_module, ending):
    kernel = np.array([[0, 0.25, -0.5, 0.125], [0.75, 0.5, 0, -0.25]])  # even sizes
    path = tmp_path / f"kernel.{ending}"
    if ending == "npy":
        np.save(path, kernel)
    else:
        np.savetxt(path, kernel, delimiter=", " if ending == "csv" else " ", header="a comment")
    picture = photograph(1)[..., 0]
    image_module.fromarray(picture).save(tmp_path / "in.png")
    assert run("filter", tmp_path / "in.png", "--kernel", path, "-o", tmp_path / "o.png")[0] == 0
    got = np.asarray(image_module.open(tmp_path / "o.png"))
    assert close(got, saturated(filtered(picture, kernel), np.uint8))


def test_exif_orientation_is_honoured(run, tmp_path, image_module):
    picture = image_module.fromarray(photograph(3))
    exif = picture.getexif()
    exif[0x0112] = 6  # shown turned a quarter to the right
    picture.save(tmp_path / "in.png", exif=exif)
    words = ("filter", tmp_path / "in.png", "--kernel", "mean", "-o", tmp_path / "out.png")
    assert run(*words, "--size", 1)[0] == 0
    result = image_module.open(tmp_path / "out.png")
    upright = picture.transpose(image_module.Transpose.ROTATE_270)
    assert np.array_equal(np.asarray(result), np.asarray(upright))
    assert 0x0112 not in result.getexif()


def test_palette_and_jpeg(run, tmp_path, image_module):
    image_module.fromarray(photograph(3)).convert("P").save(tmp_path / "in.gif")
    code, out, _ = run("filter", tmp_path / "in.gif", "--kernel", "mean", "-o", tmp_path / "o.jpg")
    assert code == 0
    assert "3 channels uint8" in out
    with image_module.open(tmp_path / "o.jpg") as result:
        assert result.mode == "RGB"


def test_filter_refuses(fails, tmp_path, image_module):
    source, result = tmp_path / "in.png", tmp_path / "out.png"
    image_module.fromarray(photograph(4)).save(source)
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "short.png").write_bytes(source.read_bytes()[:200])
    (tmp_path / "ragged.txt").write_text("1 2\n3\n")
    (tmp_path / "empty.txt").write_text("")
    np.save(tmp_path / "cube.npy", np.ones((2, 3, 5)))
    np.save(tmp_path / "nan.npy", np.full((3, 3), np.nan))

    def refused(image=source, kernel="mean", output=result, *more):
        return fails("filter", image, "--kernel", kernel, "-o", output, *more)

    assert "missing.png" in refused(tmp_path / "missing.png")
    assert "text.png" in refused(tmp_path / "text.png")
    assert "short.png" in refused(tmp_path / "short.png")
    assert "neither" in refused(kernel="median")
    assert "ragged.txt" in refused(kernel=tmp_path / "ragged.txt")
    assert "2-D" in refused(kernel=tmp_path / "empty.txt")
    assert "(2, 3, 5)" in refused(kernel=tmp_path / "cube.npy")
    assert "NaN" in refused(kernel=tmp_path / "nan.npy")
    assert "out.xyz" in refused(output=tmp_path / "out.xyz")
    assert "out.jpg" in refused(output=tmp_path / "out.jpg")  # JPEG has no alpha
    assert "nowhere" in refused(output=tmp_path / "nowhere" / "out.png")
    assert "--size" in refused(source, "mean", result, "--size", 0)
    assert "--size" in refused(source, "sobel", result, "--size", 5)
    assert "--sigma" in refused(source, "mean", result, "--sigma", 2)
    assert "--sigma" in refused(source, "gaussian", result, "--sigma", "nan")
    assert "--sigma" in refused(source, "gaussian", result, "--sigma", -1)
    assert not result.exists()
    assert not (tmp_path / "out.jpg").exists()


def test_missing_pillow_is_said(fails, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL", None)
    words = ("filter", "in.png", "--kernel", "mean", "-o", tmp_path / "out.png")
    assert "fastconv[image]" in fails(*words)


def test_bench_has_help(run):
    code, out, _ = run("bench", "--help")
    assert code == 0
    assert "--json" in out
