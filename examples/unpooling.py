# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of pooling, of three ways back, and of sizes up and down by every method.

    python examples/unpooling.py -o DIRECTORY [IMAGE]

writes unpooling.png and sizes.png, of a photograph that matplotlib brings or of another one.
"""

import argparse
import sys
from pathlib import Path

try:
    import numpy as np
    from matplotlib import cbook
    from matplotlib.figure import Figure
    from PIL import Image

    import fastconv
except ImportError as error:
    print(f"unpooling.py: {error}; fastconv, matplotlib and Pillow are needed", file=sys.stderr)
    sys.exit(2)

SIDE = 96  # pixels: so few that a window of 4 shows
WINDOW = 4
DOWN = {
    "max_pool2d": lambda x: fastconv.max_pool2d(x, WINDOW),
    "min_pool2d": lambda x: fastconv.min_pool2d(x, WINDOW),
    "avg_pool2d": lambda x: fastconv.avg_pool2d(x, WINDOW),
    "lp_pool2d, norm 4": lambda x: fastconv.lp_pool2d(x, 4, WINDOW) / WINDOW**0.5,
    "fractional_max_pool2d": lambda x: fastconv.fractional_max_pool2d(
        x, WINDOW, x.shape[-1] // WINDOW, rng=0
    ),
    "every fourth pixel": lambda x: x[..., ::WINDOW, ::WINDOW],
}
MODES = ("nearest", "bilinear", "bicubic", "area")


def main() -> int:
    """Read the arguments and write the pictures; an error is one line."""
    parser = argparse.ArgumentParser(prog="unpooling.py", description=__doc__.splitlines()[0])
    parser.add_argument("image", nargs="?", metavar="IMAGE", help="any that Pillow reads")
    words = {"metavar": "DIRECTORY", "type": Path, "required": True}
    parser.add_argument("-o", "--output", help="write unpooling.png and sizes.png", **words)
    options = parser.parse_args()
    try:
        picture = read(options.image)
        options.output.mkdir(parents=True, exist_ok=True)
        for name, draw in (("unpooling.png", draw_unpooling), ("sizes.png", draw_sizes)):
            draw(picture).savefig(options.output / name, dpi=100)
            print(options.output / name)
    except (OSError, ValueError) as error:
        print(f"unpooling.py: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def read(path: str | None) -> np.ndarray:
    """The middle of an image, as (channels, SIDE, SIDE) from 0 to 1."""
    if path is None:
        path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    side = min(image.size)
    left, top = ((n - side) // 2 for n in image.size)
    image = image.resize((SIDE, SIDE), box=(left, top, left + side, top + side))
    return np.asarray(image, np.float32).transpose(2, 0, 1) / 255


def unpooled(x: np.ndarray) -> dict[str, np.ndarray]:
    """What pooling leaves of a picture, where it found that, and the three ways back."""
    values, indices = fastconv.max_pool2d(x, WINDOW, return_indices=True)
    inside = indices // x.shape[-1] % WINDOW * WINDOW + indices % x.shape[-1] % WINDOW
    return {
        "the picture": x,
        "max_pool2d": values,
        "its indices, in each window": inside / (WINDOW**2 - 1),
        "max_unpool2d": fastconv.max_unpool2d(values, indices, WINDOW),
        "nearest_unpool2d": fastconv.nearest_unpool2d(values, WINDOW),
        "bed_of_nails_unpool2d": fastconv.bed_of_nails_unpool2d(values, WINDOW),
    }


def resized(x: np.ndarray) -> dict[str, np.ndarray]:
    """A picture made smaller in every way, and then larger again."""
    found = {name: down(x) for name, down in DOWN.items()}
    small = found["avg_pool2d"]
    for mode in MODES:
        found[mode] = fastconv.interpolate(small[None], size=x.shape[1:], mode=mode)[0]
    found["pixel_shuffle of 16"] = fastconv.pixel_shuffle(
        fastconv.pixel_unshuffle(x[None], WINDOW), WINDOW
    )[0]
    found["conv_transpose2d"] = fastconv.conv_transpose2d(
        small[:, None], triangle()[None, None], stride=WINDOW, padding=WINDOW // 2
    )[:, 0]
    return found


def triangle() -> np.ndarray:
    """A kernel of twice the window, which draws lines from pixel to pixel."""
    up = (np.arange(WINDOW) + 0.5) / WINDOW
    line = np.concatenate([up, up[::-1]]).astype(np.float32)
    return np.outer(line, line)


def draw_unpooling(picture: np.ndarray) -> Figure:
    return draw_all(unpooled(picture), 3)


def draw_sizes(picture: np.ndarray) -> Figure:
    return draw_all(resized(picture), 6)


def draw_all(found: dict[str, np.ndarray], columns: int) -> Figure:
    """Pictures side by side, with their names above them."""
    rows = -(-len(found) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.9 * rows), layout="constrained")
    for axes, (name, image) in zip(figure.subplots(rows, columns).flat, found.items(), strict=True):
        axes.imshow(np.clip(image, 0, 1).transpose(1, 2, 0), interpolation="nearest")
        axes.set_title(f"{name}\n{image.shape[1]} x {image.shape[2]}", fontsize=9)
        axes.axis("off")
    return figure


if __name__ == "__main__":
    sys.exit(main())
