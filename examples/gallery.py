# SPDX-License-Identifier: BSD-3-Clause
"""Two pages of pictures: what lies beyond the border, and what each named kernel does.

    python examples/gallery.py -o DIRECTORY [IMAGE]

writes borders.png and kernels.png; matplotlib brings the photograph.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib import cbook
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

import fastconv
from fastconv import kernels

LONGEST = 400  # pixels: a larger photograph is shrunk, so that a kernel's few pixels show
DETAIL, PIXELS = (0.838, 0.76), 6  # a ribbon bar: its place in the height and the width
GREY = (0.299, 0.587, 0.114)  # luminance, ITU-R BT.601

BORDERS = {
    "constant": "000|abcd|000",
    "edge": "aaa|abcd|ddd",
    "wrap": "bcd|abcd|abc",
    "mirror": "dcb|abcd|cba",
    "symmetric": "dcba|abcd|dcba",
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


def main() -> None:
    """Read the arguments and write both pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", nargs="?", metavar="IMAGE", help="any that Pillow reads")
    parser.add_argument("-o", "--output", required=True, metavar="DIRECTORY", type=Path)
    options = parser.parse_args()
    picture = read(options.image or cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    options.output.mkdir(parents=True, exist_ok=True)
    for name, page in (("borders.png", draw_borders), ("kernels.png", draw_kernels)):
        page(picture).savefig(options.output / name, dpi=100)
        print(options.output / name)


def read(path: str) -> np.ndarray:
    """A photograph as (3, height, width) float32 from 0 to 1."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    image.thumbnail((LONGEST, LONGEST))
    return np.asarray(image).transpose(2, 0, 1).astype(np.float32) / 255


def convolve(planes: np.ndarray, taps: np.ndarray, margins: tuple, border: str) -> np.ndarray:
    """Each of (channels, height, width) under one kernel; the channels become the batch."""
    weight = taps[None, None].astype(planes.dtype)
    answer = fastconv.conv2d(planes[:, None], weight, padding=margins, padding_mode=border)
    return answer[:, 0]


def extend(planes: np.ndarray, margin: int, border: str) -> np.ndarray:
    """The photograph with its border, which a kernel of one tap copies."""
    return convolve(planes, np.ones((1, 1)), ((margin, margin), (margin, margin)), border)


def apply(planes: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """The photograph under a kernel, in its own size."""
    margins = tuple(((n - 1) // 2, n // 2) for n in taps.shape)
    return convolve(planes, taps, margins, "mirror")


def show(axes, planes: np.ndarray, caption: str, **said) -> None:
    """One picture, in colour or in grey, with its caption above."""
    if len(planes) == 3:
        axes.imshow(np.clip(planes.transpose(1, 2, 0), 0, 1))
    else:
        axes.imshow(planes[0], cmap="gray", **said)
    axes.set_title(caption, family="monospace", fontsize=11)
    axes.set_axis_off()


def draw_borders(picture: np.ndarray) -> Figure:
    """Each kind of border around the photograph, and around a few of its pixels."""
    figure = Figure(figsize=(15, 6.9), layout="constrained")
    rows = figure.subplots(2, len(BORDERS))
    y, x = (int(part * n) for part, n in zip(DETAIL, picture.shape[1:], strict=True))
    detail = picture[:, y : y + PIXELS, x : x + PIXELS]
    for axes, part in zip(rows, (picture, detail), strict=True):
        height, width = part.shape[1:]
        margin = 3 * min(height, width) // 4
        for one, (border, drawing) in zip(axes, BORDERS.items(), strict=True):
            caption = f"{border}\n{drawing}" if part is picture else ""
            show(one, extend(part, margin, border), caption)
            corner = (margin - 0.5, margin - 0.5)
            one.add_patch(Rectangle(corner, width, height, fill=False, color="#ffcc00", lw=1.5))
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


if __name__ == "__main__":
    main()
