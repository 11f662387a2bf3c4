# SPDX-License-Identifier: BSD-3-Clause
"""What README.md and docs/ say: examples run, links lead somewhere, tables are true."""

import doctest
import re
import shlex
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from arrays import BF16, have_common_dtype
from PIL import Image
from scipy import ndimage, signal
from truth import WORST

import fastconv
from fastconv import kernels
from fastconv._plan.algorithms import NAMES, names
from fastconv._spec import borders as boundary
from fastconv._spec import epilogue

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "examples" / "README.md", *DOCS]


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks_of(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def tables_of(text):
    """The rows of all tables of a text, without the line below a heading, as lists of cells."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


# ---- examples ----------------------------------------------------------------------------------


def test_the_readme_examples_run():
    """Each Python block of the README, in order, in one namespace."""
    space = {"print": lambda *words: None}
    for block in blocks_of(text_of("README.md"), "python"):
        exec(compile(block, "README.md", "exec"), space)
        for line in block.splitlines():  # the shapes that comments tell
            for target, shape in re.findall(r"^ *(\w+) = .*# (\(\d+.*?\))$", line):
                assert space[target].shape == eval(shape), line


@pytest.mark.parametrize("path", DOCS, ids=name_of)
def test_the_examples_of_a_page_run_in_one_session(path):
    code = "".join(blocks_of(path.read_text(encoding="utf-8"), "python"))
    session = doctest.DocTestParser().get_doctest(code, {}, path.name, path.name, 0)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session).failed == 0


def test_pages_have_examples():
    shown = {path.stem for path in DOCS if ">>> " in path.read_text(encoding="utf-8")}
    assert shown >= {"bits", "borders", "dtypes", "operations", "plan", "pooling"}
    assert shown >= {"scipy", "scipy-torch"}


def commands():
    lines = "".join(blocks_of(text_of("docs/command-line.md"), "sh")).splitlines()
    return [line for line in lines if line.startswith("fastconv ")]


@pytest.mark.parametrize("line", commands())
def test_the_commands_run(line, tmp_path):
    """Those of the benchmark list their cases only, and nothing is calibrated."""
    Image.fromarray(np.zeros((11, 13, 3), np.uint8)).save(tmp_path / "photo.jpg")
    for name, text in (("taps.txt", "1 2 1\n"), ("script.py", "import scipy\n")):
        (tmp_path / name).write_text(text)
    words = [sys.executable, "-P", "-m", *shlex.split(line)]
    words += {"bench": ["--list"], "calibrate": ["--help"]}.get(words[4], [])
    words += ["--no-measure"] if words[4:] == ["info"] else []
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("words", "directions"),
    [
        ("gaussian --sigma 1.5", [kernels.gaussian(sigma=1.5)]),
        ("sobel", [kernels.sobel(axis=1), kernels.sobel(axis=0)]),
        ("gabor --size 4 --theta 30 --range clip", [kernels.gabor(4, theta=np.pi / 6)]),
    ],
)
def test_the_filter_in_python(tmp_path, words, directions):
    """The function of the page gives what the command gives."""
    code, space = "".join(blocks_of(text_of("docs/command-line.md"), "python")), {}
    for example in doctest.DocTestParser().get_examples(code):
        exec(compile(example.source, "command-line.md", "single"), space)
    Image.fromarray(space["photo"]).save(tmp_path / "photo.png")
    command = ["fastconv", "filter", "photo.png", "-o", "out.png", "--kernel", *words.split()]
    subprocess.run([sys.executable, "-P", "-m", *command], cwd=tmp_path, check=True)
    got = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
    assert np.abs(got - space["filter_photo"](space["photo"], *directions)).max() <= 1


# ---- links -------------------------------------------------------------------------------------


def anchors(text):
    """What GitHub makes of the headings."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for heading in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        other = path.parent / file if file else path
        assert other.exists(), target
        if anchor:
            assert anchor in anchors(other.read_text(encoding="utf-8")), target


def test_the_readme_lists_every_page():
    readme = text_of("README.md")
    assert not [path.name for path in DOCS if f"](docs/{path.name})" not in readme]


# ---- tables ------------------------------------------------------------------------------------


def test_the_page_of_operations_names_what_is_public():
    first, _, _ = text_of("docs/operations.md").partition("Contents:")
    named = set(re.findall(r"`(\w+)`", first))
    public = {name for name in fastconv.__all__ if not name.startswith("_")}
    assert named == public | {"separate"}
    listed, _, _ = text_of("docs/operations.md").partition("## Errors")
    assert not [name for name in kernels.__all__ if f"`{name}`" not in listed]


def test_the_page_of_dtypes_lists_activations_and_their_errors():
    page = text_of("docs/dtypes.md")
    rows = dict(re.findall(r'^\| `\(?"(\w+)".*?` \| (.*) \|$', page, flags=re.MULTILINE))
    assert set(rows) == set(epilogue.NAMED)
    for name, row in rows.items():
        _, *errors, whole = (cell.strip() for cell in f"{row} ".split("|"))
        assert (whole == "yes") == epilogue.NAMED[name].integer
        if name in WORST:
            assert tuple(map(float, errors)) == (WORST[name]["f4"], WORST[name]["f8"])


INTEGERS = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
REAL = [*INTEGERS, "float16", "bfloat16", "float32", "float64"]
SUMS = (
    {"f": "float32", "d": "float64", "i": "int32", "q": "int64"},
    {"f": "complex64", "d": "complex128"},
)
EACH = {"any integer": INTEGERS, "any real": REAL, "any": [*REAL, "complex64", "complex128"]}


def test_the_table_of_dtypes():
    """It has each pair once, and tells what is multiplied, summed and returned. K is a block."""

    def array(name):
        return np.ones((1, 1, 256), BF16 if name == "bfloat16" else name)

    seen = {}
    for one, other, tile, total, result in filter(
        lambda row: len(row) == 5 and re.match("bool|u?int|b?float|complex", row[0]),
        tables_of(text_of("docs/dtypes.md")),
    ):
        told = (tile, total, result)
        for pair in product(*(EACH.get(cell, cell.split(", ")) for cell in (one, other))):
            assert seen.setdefault(frozenset(pair), told) == told
            for source, weight in (pair, pair[::-1]):
                operands = array(source), array(weight)
                if not have_common_dtype(*operands):
                    with pytest.raises(TypeError):
                        fastconv.plan(fastconv.conv1d, *operands)
                    continue
                spec = fastconv.plan(fastconv.conv1d, *operands).spec
                summed = SUMS[spec.dtype.kind == "c"][spec.arithmetic.total]
                assert (spec.tile_dtype.name, summed, spec.dtype.name) == told
    assert len(seen) == len(EACH["any"]) * (len(EACH["any"]) + 1) // 2


def test_the_limits_of_int32():
    limits = re.search(r"above\s+(\d+) .*? (\d+) .*? (\d+) ", text_of("docs/dtypes.md"))
    pairs = (("i1", "i1"), ("i1", "u1"), ("u1", "u1"))
    for limit, (source, weight) in zip(map(int, limits.groups()), pairs, strict=True):
        for size, expected in ((limit, "int32"), (limit + 1, "int64")):
            x, w = np.empty((size, 1), source), np.empty((1, size, 1), weight)
            assert fastconv.plan(fastconv.conv1d, x, w).spec.dtype == expected


def test_the_drawings_of_borders():
    rows = {row[0]: row for row in tables_of(text_of("docs/borders.md")) if "abcd" in row[1]}
    drawn = {re.match(r'`"(\w+)"`', key)[1]: row[1] for key, row in rows.items()}
    assert {mode: cell.replace("\\|", "|").strip("`") for mode, cell in drawn.items()} == (
        boundary.DRAWINGS
    )


def test_the_names_of_borders_in_other_libraries():
    rows = [row for row in tables_of(text_of("docs/borders.md")) if len(row) == 6][1:]
    assert {row[0].strip('`"') for row in rows} == set(boundary.MODES)
    x, k = np.arange(7.0) ** 2 % 11, np.array([1.0, 3.0, 5.0, 0.5, 2.0])
    for mode, of_numpy, of_ndimage, of_signal, of_torch, of_opencv in rows:
        mode = mode.strip('`"')
        ours = conv(x, k, padding="same", padding_mode=mode)
        for word in re.findall(r"`([\w-]+)`", of_numpy):
            np.testing.assert_allclose(np.correlate(np.pad(x, 2, word), k), ours)
        for word in re.findall(r"`([\w-]+)`", of_ndimage):
            np.testing.assert_allclose(ndimage.correlate(x, k, mode=word), ours)
        for word in re.findall(r"`(\w+)`", of_signal):
            got = signal.correlate2d(x[None], k[None], "same", boundary=word)
            np.testing.assert_allclose(got[0], ours)
        for cell in (of_numpy, of_ndimage, of_torch):
            for word in set(re.findall(r"`([\w-]+)`", cell)) - {"reflect"} - set(boundary.MODES):
                with pytest.raises(ValueError, match=f"'{mode}'"):
                    conv(x, k, padding=1, padding_mode=word)
        assert re.fullmatch(r"`BORDER_\w+`", of_opencv)
    with pytest.raises(ValueError, match=r"but it must be .*'mirror' .*'symmetric' "):
        conv(x, k, padding=1, padding_mode="reflect")


def without_numbers(term):
    """`0.231 GFLOP` as `0 GFLOP`, `8 tasks` as `0 task`, and one unit for all sizes."""
    term = re.sub("[KM]iB", "B", re.sub(r"[\d.e+-]*\d", "0", term))
    return re.sub(r"\b(thread|task)s\b", r"\1", term)


PLANS = [
    ({}, {}),
    ({"algorithm": "im2col_gemm"}, {}),
    ({"algorithm": "fft"}, {}),
    ({"algorithm": "fft", "activation": "relu"}, {}),
    ({"algorithm": "reference"}, {}),
    ({"padding": 1, "padding_mode": "edge", "flip": True, "activation": "relu"}, {}),
    ({"dtype": "f2"}, {"bias": 1}),
    ({"channels_last": True}, {"dtype": "c8"}),
    ({}, {"overlap": 1}),
]


@pytest.mark.parametrize(("said", "more"), PLANS, ids=str)
def test_the_page_of_plans_explains_every_line(said, more):
    page = text_of("docs/plan.md")
    terms = {row[0].strip("`") for row in tables_of(page)}
    known = {without_numbers(term) for term in terms}
    known |= {term.removesuffix("s") for term in known}  # 1 task
    x = np.ones((1, 17, 23, 17), more.get("dtype", "f4"))
    w = np.ones((13, 17, 3, 3), "f4")
    out = x.reshape(-1)[: 13 * 21 * 15].reshape(1, 13, 21, 15) if "overlap" in more else None
    bias = np.ones(13, "f4") if "bias" in more else None
    how = fastconv.plan(fastconv.conv2d, x, w, bias, **said, out=out)
    head, ways, work, *rest = str(how).splitlines()
    assert re.fullmatch(r"conv2d \w+  [\dx]+ \* [\dx]+ -> [\dx]+", head)
    algorithm, *orientation, isa, threads = ways.split("  ")
    assert algorithm in terms
    assert all(f"`{words.split()[0]}`" in page for words in orientation)
    assert f"`{isa}`" in page
    assert without_numbers(threads) in known
    assert {without_numbers(term) for term in work.split("  ")} <= known
    for line in rest:
        label, _, value = line.partition(": ")
        assert f"{label}:" in terms
        if label == "copies" and value != "none":
            assert set(value.split("; ")) <= terms, value


def test_pages_and_docstrings_name_every_activation_and_algorithm():
    for text in (text_of("docs/operations.md"), fastconv.conv2d.__doc__):
        for word in epilogue.NAMED:
            assert re.search(rf"""['"]{word}['"]""", text), word
    table = {row[0] for row in tables_of(text_of("docs/plan.md")) if len(row) == 2}
    assert {f"`{word}`" for word in NAMES[1:]} <= table
    for function in (fastconv.conv2d, fastconv.conv_transpose2d, fastconv.local_conv2d):
        for word in names(function._family.spec):
            assert f"'{word}'" in function.__doc__, word


def test_the_fields_of_a_plan_exist():
    how = fastconv.plan(fastconv.conv1d, (1, 1, 9), (1, 1, 3))
    rows = [row for row in tables_of(text_of("docs/plan.md")) if len(row) == 3][1:]
    assert len(rows) >= 10
    for *_, cell in rows:
        for field in re.findall(r"`([\w.]+)`", cell):
            eval(f"how.{field}", {"how": how})


# ---- rows for users of other libraries ---------------------------------------------------------


def conv(x, k, **words):
    """As docs/scipy-torch.md defines it."""
    function = (fastconv.conv1d, fastconv.conv2d, fastconv.conv3d)[x.ndim - 1]
    return function(x[None], k[None, None], **words)[0]


def rows_for(section):
    """(theirs, ours), two expressions each."""
    (text,) = re.findall(
        rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)",
        text_of("docs/scipy-torch.md"),
        flags=re.MULTILINE | re.DOTALL,
    )
    return re.findall(r"^\| `(.+?)` \| `(.+?)` \|$", text, flags=re.MULTILINE)


def arrays(h, w):
    """The names of the page: signals, images and kernels, of h x w taps."""
    rng = np.random.default_rng(h * 10 + w)
    normal = rng.standard_normal
    return {
        "np": np, "signal": signal, "ndimage": ndimage, "fastconv": fastconv, "kernels": kernels,
        "conv": conv, "h": h, "w": w, "a": 0, "b": -1, "s": normal(19), "v": normal(w),
        "u": normal(h), "x": normal((11, 13)), "k": normal((h, w)),
        "z": normal(17) + 1j * normal(17), "c": normal(w) + 1j * normal(w),
        "photo": rng.integers(0, 256, (11, 13, 3), np.uint8), "vol": normal((11, 7, 5)),
    }  # fmt: skip


def layers():
    """The names of the table for PyTorch."""
    rng = np.random.default_rng(3)
    shapes = {"x": (2, 6, 11, 13), "w": (4, 6, 4, 2), "g": (4, 3, 3, 5), "b": (4,)}
    shapes |= {"r": (2, 4, 10, 14), "t": (6, 4, 3, 2)}
    made = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return made | {"fastconv": fastconv}


SECTIONS = ("NumPy", "scipy.signal", "scipy.ndimage")
ROWS = [row for section in SECTIONS for row in rows_for(section)]


@pytest.mark.parametrize(("theirs", "ours"), ROWS)
@pytest.mark.parametrize("sizes", [(3, 5), (4, 2), (3, 4)], ids=str)
def test_the_rows_for_scipy(theirs, ours, sizes):
    names = arrays(*sizes)
    expected, got = eval(theirs, names), eval(ours, names)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)


def test_the_table_for_scipy_has_the_modes_of_scipy():
    text = " ".join(theirs for theirs, _ in ROWS)
    modes = {"constant", "grid-constant", "nearest", "wrap", "grid-wrap", "mirror", "grid-mirror"}
    assert set(re.findall(r'mode="([\w-]+)"', text)) == modes  # reflect is the default
    assert all(f'"{word}"' in text for word in ("full", "same", "valid", "symm", "wrap"))


@pytest.mark.parametrize("ours", [ours for _, ours in rows_for("OpenCV")])
def test_the_rows_for_opencv_run(ours):
    names = arrays(3, 5)
    got = eval(ours, names)
    assert got.shape == (names["photo"] if "photo" in ours else names["x"]).shape


@pytest.mark.parametrize("ours", [ours for _, ours in rows_for("PyTorch")])
def test_the_rows_for_pytorch_run(ours):
    assert eval(ours, layers()).size


def assert_alike(theirs, theirs_of, ours, ours_of):
    """Two expressions of the page have the same value, each with its own names."""
    expected, got = np.asarray(eval(theirs, theirs_of)), eval(ours, ours_of)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.peers
@pytest.mark.parametrize(("theirs", "ours"), rows_for("OpenCV"))
@pytest.mark.parametrize("sizes", [(3, 5), (5, 3), (4, 2)], ids=str)
def test_the_rows_for_opencv_are_true(theirs, ours, sizes):
    import cv2

    names = arrays(*sizes)
    assert_alike(theirs, names | {"cv2": cv2}, ours, names)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:Using padding='same'")  # of its speed
@pytest.mark.parametrize(("theirs", "ours"), rows_for("PyTorch"))
def test_the_rows_for_pytorch_are_true(theirs, ours):
    import torch

    names = layers()
    tensors = {k: torch.from_numpy(v) for k, v in names.items() if k != "fastconv"}
    assert_alike(theirs, tensors | {"torch": torch, "F": torch.nn.functional}, ours, names)
