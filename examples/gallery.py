# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of what lies beyond the border, of what each named kernel does, and of enlarging.

    python examples/gallery.py -o DIRECTORY [IMAGE]
    python examples/gallery.py --borders FILE --picture FILE --enlarged FILE

The first writes borders.png, kernels.png and enlarged.png, of a photograph that matplotlib brings;
the second the three small pictures of the documentation, of a landscape that is drawn here.
"""

import argparse
import io
import sys
from pathlib import Path

try:
    import numpy as np
    from matplotlib import cbook
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from PIL import Image

    import fastconv
    from fastconv import kernels
except ImportError as error:
    print(f"gallery.py: {error}; fastconv, matplotlib and Pillow are needed", file=sys.stderr)
    sys.exit(2)

LONGEST = 400  # pixels: a larger photograph is shrunk, so that a kernel's few pixels show
DETAIL, PIXELS = (0.838, 0.76), 6  # a ribbon bar: its place in the height and the width
SMALL_DPI = 72
GREY = (0.299, 0.587, 0.114)  # luminance, ITU-R BT.601

BORDERS = {
    "constant": "000|abcd|000",
    "edge": "aaa|abcd|ddd",
    "wrap": "bcd|abcd|abc",
    "mirror": "dcb|abcd|cba",
    "symmetric": "dcba|abcd|dcba",
}

# A part of a picture to enlarge: its place in the height and the width, and its share of both.
PART, SHARE = (0.36, 0.55), 0.16

# (taps, stride) of transposed convolutions, each with a sum of stride ** 2: as bright as before.
ENLARGED = {
    "a kernel of 3, stride 2": (np.full((3, 3), 4 / 9), 2),
    "a kernel of 4, stride 2": (np.full((4, 4), 1 / 4), 2),
    "a triangle of 8, stride 4": (np.outer(*[np.array([1, 3, 5, 7, 7, 5, 3, 1]) / 8] * 2), 4),
}

# Kernels that average or sharpen, shown in colour; the others are shown in grey, 0 in the middle.
COLOUR = {
    "mean(9)": kernels.mean(9),
    "gaussian(sigma=3)": kernels.gaussian(sigma=3),
    "sharpen()": kernels.sharpen(),
    "unsharp(sigma=2, amount=2)": kernels.unsharp(sigma=2, amount=2),
    "emboss()": kernels.emboss(),
}
SIGNED = {
    "sobel()": kernels.sobel(),
    "scharr(axis=0)": kernels.scharr(axis=0),
    "prewitt(5)": kernels.prewitt(5),
    "laplacian(5)": kernels.laplacian(5),
    "gabor(theta=pi/4)": kernels.gabor(theta=np.pi / 4),
}


def main() -> int:
    """Read the arguments and write what they ask for; an error is one line."""
    parser = Parser(prog="gallery.py", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("image", nargs="?", metavar="IMAGE", help="any that Pillow reads")
    pages = ", ".join(PAGES)
    add("-o", "--output", metavar="DIRECTORY", type=Path, help=f"write {pages}")
    add("--borders", metavar="FILE", type=Path, help="write the borders alone, small")
    add("--picture", metavar="FILE", type=Path, help="write one picture under three kernels, small")
    add("--enlarged", metavar="FILE", type=Path, help="write a part of it enlarged, small")
    options = parser.parse_args()
    if not (options.output or options.borders or options.picture or options.enlarged):
        parser.error("-o, --borders, --picture or --enlarged is needed")
    try:
        write_all(options)
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, MemoryError) as error:
        print(f"gallery.py: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> None:
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def write_all(options: argparse.Namespace) -> None:
    """Write the pages and pictures, and print their names."""
    given = read(options.image) if options.image else None
    if options.output:
        photograph = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
        picture = read(photograph) if given is None else given
        options.output.mkdir(parents=True, exist_ok=True)
        for name, page in PAGES.items():
            page(picture).savefig(options.output / name, dpi=100)
            print(options.output / name)
    picture, detail = (draw_landscape(), draw_tiles()) if given is None else (given, None)
    if options.borders:
        save_small(draw_borders(picture, detail), options.borders)
    if options.picture:
        save_small(draw_three(picture), options.picture)
    if options.enlarged:
        save_small(draw_enlarged(picture), options.enlarged)


def save_small(figure: Figure, path: Path) -> None:
    """A PNG of at most 256 colours."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=SMALL_DPI)
    image = Image.open(buffer).convert("RGB")
    image = image.quantize(palette=image.quantize(256), dither=Image.Dither.FLOYDSTEINBERG)
    buffer = io.BytesIO()
    image.save(buffer, format="png", optimize=True)
    try:
        path.write_bytes(buffer.getvalue())
    except OSError as error:
        raise OSError(f"{path}: {error.strerror}") from None
    print(path)


def read(path: str) -> np.ndarray:
    """A photograph as (3, height, width) float32 from 0 to 1."""
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
    except Exception as error:  # a damaged file makes Pillow raise anything
        raise ValueError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    image.thumbnail((LONGEST, LONGEST))
    return np.asarray(image).transpose(2, 0, 1).astype(np.float32) / 255


def draw_landscape(height: int = 240, width: int = 320) -> np.ndarray:
    """A lake before mountains in the evening, (3, height, width) float32 from 0 to 1."""
    rng = np.random.default_rng(12)
    x = np.linspace(0, 4 / 3, width)
    y = np.linspace(0, 1, height)[:, None]
    shore = 0.66

    def colour(*rgb):
        return np.array(rgb)[:, None, None]

    depth = y / shore  # 0 at the top, 1 at the shore
    sky = colour(0.16, 0.27, 0.52) * (1 - depth) + colour(1.0, 0.70, 0.42) * depth
    far = np.hypot(x - 0.88, y - 0.34)
    sky = sky + colour(0.5, 0.35, 0.1) * np.exp(-((far / 0.16) ** 2))
    scene = np.where(far < 0.075, colour(1.0, 0.93, 0.72), sky)
    ridges = ((0.40, 0.10, (0.55, 0.42, 0.52)), (0.50, 0.09, (0.33, 0.28, 0.42)))
    for top, rise, rgb in (*ridges, (0.60, 0.05, (0.12, 0.16, 0.22))):
        skyline = sum(  # peaks of 1 / f height
            np.abs(np.sin(np.pi * f * x + rng.uniform(0, np.pi))) / f**0.8
            for f in (1, 2.3, 5, 11, 23)
        )
        skyline = top + rise * (1 - skyline)
        scene = np.where(y > skyline, colour(*rgb) * (1.25 - 0.5 * (y - skyline)), scene)
    # The lake mirrors what lies above the shore, with waves that grow towards us.
    below = np.clip((y - shore) / (1 - shore), 0, 1)
    wave = 0.008 * below * np.sin(90 * below**0.6 * np.pi + 9 * np.sin(7 * x))
    rows = np.clip((2 * shore - y) * 0.98 + 3 * wave, 0, shore - 0.005) * (height - 1)
    columns = np.broadcast_to(np.arange(width), rows.shape)
    mirrored = 0.75 * scene[:, rows.astype(int), columns] + colour(0.01, 0.03, 0.06)
    scene = np.where(y > shore, mirrored, scene)
    for middle, tip, foot in ((0.13, 0.26, 0.95), (0.30, 0.47, 0.97), (0.02, 0.42, 1.1)):
        part = (y - tip) / (foot - tip)  # firs: each bough is wider than the one above
        bough = 0.13 * part * (0.55 + 0.45 * (7 * part % 1)) * (part < 0.9)
        inside = (np.abs(x - middle) < np.maximum(bough, 0.008)) & (part > 0) & (part < 1)
        scene = np.where(inside, colour(0.05, 0.12, 0.12), scene)
    return np.clip(scene, 0, 1).astype(np.float32)


def draw_tiles() -> np.ndarray:
    """PIXELS x PIXELS, no two alike: redder to the right, bluer downwards."""
    red, blue = np.meshgrid(*[np.linspace(0.2, 1, PIXELS, dtype=np.float32)] * 2)
    return np.stack([red, np.full_like(red, 0.35), blue])


def convolve(planes: np.ndarray, taps: np.ndarray, margins: tuple, border: str) -> np.ndarray:
    """Each of (channels, height, width) under one kernel; the channels become the batch."""
    weight = taps[None, None].astype(planes.dtype)
    answer = fastconv.conv2d(planes[:, None], weight, padding=margins, padding_mode=border)
    return answer[:, 0]


def extend(planes: np.ndarray, margin: int, border: str) -> np.ndarray:
    """The photograph with its border, which a kernel of one tap copies."""
    return convolve(planes, np.ones((1, 1)), ((margin, margin), (margin, margin)), border)


def margin_of(planes: np.ndarray) -> int:
    """How many pixels are shown around a picture."""
    return 3 * min(planes.shape[1:]) // 4


def apply(planes: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """The photograph under a kernel, in its own size."""
    margins = tuple(((n - 1) // 2, n // 2) for n in taps.shape)
    return convolve(planes, taps, margins, "mirror")


def enlarge(planes: np.ndarray, taps: np.ndarray, stride: int) -> np.ndarray:
    """A picture but for its outermost pixels, `stride` times as large: each pixel adds the taps,
    times its value, to the pixels around its new place."""
    extra = [n + stride for n in taps.shape]
    padding = [(n // 2, n - n // 2) for n in extra]
    weight = taps[None, None].astype(planes.dtype)
    return fastconv.conv_transpose2d(planes[:, None], weight, stride=stride, padding=padding)[:, 0]


def show(axes, planes: np.ndarray, caption: str, **said) -> None:
    """One picture, in colour or in grey, with its caption above."""
    if len(planes) == 3:
        axes.imshow(np.clip(planes.transpose(1, 2, 0), 0, 1), **said)
    else:
        axes.imshow(planes[0], cmap="gray", **said)
    axes.set_title(caption, family="monospace", fontsize=11)
    axes.set_axis_off()


def draw_borders(picture: np.ndarray, detail: np.ndarray | None = None) -> Figure:
    """Each kind of border around a picture, and around a few pixels: its own, or others."""
    if detail is None:
        y, x = (int(part * n) for part, n in zip(DETAIL, picture.shape[1:], strict=True))
        detail = picture[:, y : y + PIXELS, x : x + PIXELS]
    sizes = [np.add(part.shape[1:], 2 * margin_of(part)) for part in (picture, detail)]
    ratios = [height / width for height, width in sizes]
    figure = Figure(figsize=(15, 3 * sum(ratios) + 0.75), layout="constrained")
    rows = figure.subplots(2, len(BORDERS), height_ratios=ratios)
    for axes, part in zip(rows, (picture, detail), strict=True):
        height, width = part.shape[1:]
        margin = margin_of(part)
        for one, (border, drawing) in zip(axes, BORDERS.items(), strict=True):
            caption = f"{border}\n{drawing}" if part is picture else ""
            show(one, extend(part, margin, border), caption)
            corner = (margin - 0.5, margin - 0.5)
            one.add_patch(Rectangle(corner, width, height, fill=False, color="#ffcc00", lw=1.5))
    return figure


def draw_three(picture: np.ndarray) -> Figure:
    """A picture, and beside it what three kernels make of it."""
    grey = np.tensordot(np.float32(GREY), picture, 1)[None]
    slopes = [apply(grey, kernels.sobel(axis=axis)) for axis in (0, 1)]
    figure = Figure(figsize=(15, 3.1), layout="constrained")
    panels = iter(figure.subplots(1, 4))
    show(next(panels), picture, "a picture")
    for caption in ("gaussian(sigma=3)", "emboss()"):
        show(next(panels), apply(picture, COLOUR[caption]), f"kernels.{caption}")
    show(next(panels), np.hypot(*slopes), "magnitude of kernels.sobel()", vmax=1.3)
    return figure


def draw_enlarged(picture: np.ndarray) -> Figure:
    """A part of a picture, and beside it the same enlarged in several ways."""
    sizes = [max(3, round(SHARE * n)) for n in picture.shape[1:]]
    starts = [int(at * n) for at, n in zip(PART, picture.shape[1:], strict=True)]
    rows, columns = (slice(at, at + n) for at, n in zip(starts, sizes, strict=True))
    part = picture[:, rows, columns]
    figure = Figure(figsize=(15, 3.1 * 4 / 3 * part.shape[1] / part.shape[2]), layout="constrained")
    panels = iter(figure.subplots(1, 1 + len(ENLARGED)))
    show(next(panels), part[:, 1:-1, 1:-1], "a part of a picture", interpolation="nearest")
    for caption, (taps, stride) in ENLARGED.items():
        show(next(panels), enlarge(part, taps, stride), caption, interpolation="nearest")
    return figure


def draw_kernels(picture: np.ndarray) -> Figure:
    """The photograph, and beside it what each kernel makes of it, with the kernel's taps."""
    grey = np.tensordot(np.float32(GREY), picture, 1)[None]
    figure = Figure(figsize=(15, 14), layout="constrained")
    panels = iter(figure.subplots(3, 4).flat)
    show(next(panels), picture, "original")
    for caption, taps in COLOUR.items():
        axes = next(panels)
        show(axes, apply(picture, taps), caption)
        inset(axes, taps)
    slopes = [apply(grey, kernels.sobel(axis=axis)) for axis in (0, 1)]
    show(next(panels), np.hypot(*slopes), "hypot of sobel(axis=0), sobel(axis=1)")
    for caption, taps in SIGNED.items():
        axes, answer = next(panels), apply(grey, taps)
        most = np.abs(answer).max()
        show(axes, answer, caption, vmin=-most, vmax=most)
        inset(axes, taps)
    return figure


def inset(axes, taps: np.ndarray) -> None:
    """The taps in the lower left corner: blue below 0, red above, by their square roots."""
    small = axes.inset_axes((0.02, 0.02, 0.24, 0.24))
    roots = np.sign(taps) * np.sqrt(np.abs(taps))
    most = np.abs(roots).max()
    small.imshow(roots, cmap="RdBu_r", vmin=-most, vmax=most)
    small.set(xticks=[], yticks=[])


PAGES = {"borders.png": draw_borders, "kernels.png": draw_kernels, "enlarged.png": draw_enlarged}

if __name__ == "__main__":
    sys.exit(main())
