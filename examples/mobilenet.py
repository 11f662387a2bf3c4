# SPDX-License-Identifier: BSD-3-Clause
"""A network of the shape of MobileNetV2, with random weights: images to scores of 1000 classes.

Each block widens the channels with a pointwise convolution, filters each by itself, and narrows
them again; a block that keeps the shape adds its input. Batch normalization is part of the weights.
"""

import numpy as np
from networks import as_tensors, draw, run

import fastconv

# of each group of blocks: widening, channels, blocks, stride of the first one
GROUPS = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]


def make_weights(seed=0, classes=1000):
    """Weights and biases as PyTorch has them, and the stride of each block."""
    random = np.random.default_rng(seed)
    weights = {"stem": draw(random, 32, 3, 3, 3), "blocks": []}
    channels = 32
    for widening, outputs, blocks, stride in GROUPS:
        for number in range(blocks):
            wide = widening * channels
            block = {
                "stride": stride if number == 0 else 1,
                "widen": draw(random, wide, channels, 1, 1) if widening > 1 else None,
                "filter": draw(random, wide, 1, 3, 3),
                "narrow": draw(random, outputs, wide, 1, 1),
            }
            weights["blocks"].append(block)
            channels = outputs
    weights["last"] = draw(random, 1280, channels, 1, 1)
    weights["scores"] = draw(random, classes, 1280, 1, 1)
    return weights


def fastconv_forward(weights):
    """The network as a function of images (N, H, W, 3); all weights are packed here."""
    last = {"channels_last": True}
    relu6 = {"activation": "relu6", **last}
    stem = fastconv.prepare("conv2d", *weights["stem"], stride=2, padding=1, **relu6)
    blocks = []
    for block in weights["blocks"]:
        widen = block["widen"] and fastconv.prepare("pointwise_conv2d", *block["widen"], **relu6)
        (kernels, kernel_bias), (narrow, bias) = block["filter"], block["narrow"]
        rest = fastconv.prepare(
            "depthwise_separable_conv2d", kernels, narrow, bias, block["stride"], padding=1,
            depthwise_bias=kernel_bias, depthwise_activation="relu6", **last,
        )  # fmt: skip
        blocks.append((widen, rest))
    features = fastconv.prepare("pointwise_conv2d", *weights["last"], **relu6)
    scores = fastconv.prepare("pointwise_conv2d", *weights["scores"], **last)

    def forward(images):
        x = stem(images)
        for widen, rest in blocks:
            inner = widen(x) if widen else x
            same = rest.stride == 1 and rest.pointwise_weight.shape[0] == x.shape[-1]
            x = rest(inner, residual=x if same else None)
        return scores(features(x).mean(axis=(1, 2), keepdims=True))[:, 0, 0]

    return forward


def torch_forward(weights):
    """The same in PyTorch."""
    import torch
    from torch.nn.functional import conv2d, relu6

    weights = as_tensors(weights)

    def forward(images):
        with torch.inference_mode():
            x = torch.from_numpy(images).permute(0, 3, 1, 2)  # channels last in memory
            x = relu6(conv2d(x, *weights["stem"], stride=2, padding=1))
            for block in weights["blocks"]:
                inner = relu6(conv2d(x, *block["widen"])) if block["widen"] else x
                said = {"stride": block["stride"], "padding": 1, "groups": inner.shape[1]}
                inner = relu6(conv2d(inner, *block["filter"], **said))
                result = conv2d(inner, *block["narrow"])
                x = x + result if x.shape == result.shape else result
            x = relu6(conv2d(x, *weights["last"])).mean(dim=(2, 3), keepdim=True)
            return conv2d(x, *weights["scores"])[..., 0, 0].numpy()

    return forward


if __name__ == "__main__":
    run(__file__, 224, make_weights, fastconv_forward, torch_forward)
