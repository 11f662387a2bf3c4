# SPDX-License-Identifier: BSD-3-Clause
"""A network of the shape of U-Net, with random weights: images to scores for each pixel.

On the way down, each level has two convolutions, and one with stride 2 to the next level. On the
way up, a transposed convolution doubles the size, and two convolutions follow, which see what the
level had on the way down, too.
"""

import numpy as np
from networks import as_tensors, draw, run

import fastconv

CHANNELS = (16, 32, 64, 128, 256)  # of the levels


def make_weights(seed=0, classes=2):
    """Weights and biases as PyTorch has them, by level."""
    random = np.random.default_rng(seed)
    levels, before = [], 3
    for channels, below in zip(CHANNELS, (*CHANNELS[1:], None), strict=True):
        level = {"down": [draw(random, channels, n, 3, 3) for n in (before, channels)]}
        if below:
            weight, _ = draw(random, below, channels, 2, 2)  # (inputs, outputs, kH, kW)
            level["shrink"] = draw(random, channels, channels, 2, 2)
            level["grow"] = weight, np.zeros(channels, np.float32)
            level["up"] = [draw(random, channels, n, 3, 3) for n in (2 * channels, channels)]
        levels.append(level)
        before = channels
    return {"levels": levels, "scores": draw(random, classes, CHANNELS[0], 1, 1)}


def fastconv_forward(weights):
    """The network as a function of images (N, H, W, 3); all weights are packed here."""
    last = {"channels_last": True}
    relu = {"padding": 1, "activation": "relu", **last}
    levels = []
    for level in weights["levels"]:
        layers = {name: [fastconv.prepare("conv2d", *pair, **relu) for pair in level[name]]
                  for name in ("down", "up") if name in level}  # fmt: skip
        if "grow" in level:
            layers["shrink"] = fastconv.prepare("conv2d", *level["shrink"], stride=2, **last)
            layers["grow"] = fastconv.prepare("conv_transpose2d", *level["grow"], 2, **last)
        levels.append(layers)
    scores = fastconv.prepare("pointwise_conv2d", *weights["scores"], **last)

    def through(x, layers, *below):
        first, second = layers["down"]
        if not below:
            return second(first(x))
        # Both parts of what the way up reads are written where it reads them.
        batch, height, width, _ = x.shape
        channels = second.weight.shape[0]
        both = np.empty((batch, height, width, 2 * channels), np.float32)
        second(first(x), out=both[..., :channels])
        inner = through(layers["shrink"](both[..., :channels]), *below)
        layers["grow"](inner, out=both[..., channels:])
        for layer in layers["up"]:
            both = layer(both)
        return both

    return lambda images: scores(through(images, *levels))


def torch_forward(weights):
    """The same in PyTorch."""
    import torch
    from torch.nn.functional import conv2d, conv_transpose2d, relu

    weights = as_tensors(weights)

    def twice(x, pairs):
        for pair in pairs:
            x = relu(conv2d(x, *pair, padding=1))
        return x

    def through(x, level, *below):
        x = twice(x, level["down"])
        if not below:
            return x
        inner = through(conv2d(x, *level["shrink"], stride=2), *below)
        grown = conv_transpose2d(inner, *level["grow"], stride=2)
        return twice(torch.cat((x, grown), dim=1), level["up"])

    def forward(images):
        with torch.inference_mode():
            x = torch.from_numpy(images).permute(0, 3, 1, 2)  # channels last in memory
            x = conv2d(through(x, *weights["levels"]), *weights["scores"])
            return x.permute(0, 2, 3, 1).numpy()

    return forward


if __name__ == "__main__":
    run(__file__, 256, make_weights, fastconv_forward, torch_forward)
