# SPDX-License-Identifier: BSD-3-Clause
"""Whether input and weight have fitting channels, and what to write where they have not."""

from __future__ import annotations

from collections.abc import Sequence


def other_place(channels_last: bool) -> str:
    """Where the channels seem to be, of an input in which they are not where they should be."""
    place = "come first" if channels_last else "are the last axis"
    return f"; if the channels {place}, pass channels_last={not channels_last}"


def missing_channel(axes: int, rank: int, channels_last: bool) -> str:
    """What to write for an input that has only its spatial axes."""
    at = "..., None" if channels_last else "None"
    return f"; for an input of one channel write input[{at}]" if axes == rank else ""


def missing_axes(axes: int, rank: int, channels: str = "O, C/groups") -> str:
    """What to write for a weight that lacks axes; `channels`: its first two."""
    if axes == rank and rank <= 3:
        return "; for a single kernel write weight[None, None]"
    if axes == rank + 1:
        first, second = channels.split(", ")
        return f"; write weight[None] if {first} is missing, weight[:, None] if {second} is"
    return ""


def check_channels(
    name: str,
    inner: Sequence[int],
    batched: bool,
    channels_last: bool,
    outputs: int,
    c_in: int,
    groups: int,
    kernel: Sequence[int],
    before: int = 0,
) -> None:
    """Raise unless input and weight have fitting channels; `inner`: input shape without batch;
    `before`: axes of the weight before its output channels."""
    if outputs % groups or not outputs:
        hint = "; for the same kernel on each channel, pass "
        hint += f"np.repeat(weight, {groups}, axis={before})"
        raise ValueError(
            f"{name}: weight has {outputs} output channel{'s' * (outputs != 1)}, "
            f"but it must have a positive multiple of groups={groups}"
            + hint
            * (outputs == c_in == 1)
        )
    channels, other = (inner[-1], inner[0]) if channels_last else (inner[0], inner[-1])
    needed = c_in * groups
    if channels == needed:
        return
    of = "" if groups == 1 else f" ({groups} groups of {c_in})"
    count = channels // c_in if c_in and channels % c_in == 0 else 0
    hint = ""
    if other == needed:
        hint = other_place(channels_last)
    elif (
        not before
        and [*kernel[-2:-1]] == [channels // groups]
        and _square_first(outputs, c_in, kernel)
    ):
        letters = ", ".join(f"k{letter}" for letter in "DHW"[-len(kernel) :])
        axes = (len(kernel) + 1, len(kernel), *range(len(kernel)))
        hint = f"; if the axes of weight are ({letters}, C, O), as in TensorFlow, pass "
        hint += f"weight.transpose{axes}"
    elif count and outputs % count == 0:
        are = "are" if count > 1 else "are not"
        hint = f"; if the channels {are} convolved in groups, pass groups={count}"
    elif groups == 1 and outputs == channels and set(kernel) == {1}:
        hint = "; if the axes of weight are (C, O), pass weight.swapaxes(0, 1)"
    elif needed == 1:
        if outputs == 1:
            hint = "; for the same kernel on each channel, pass "
            hint += f"np.repeat(weight, {channels}, axis={before}) and groups={channels}"
        if not batched:
            at = "..., None" if channels_last else ":, None"
            hint += f"; for a batch of inputs of one channel, write input[{at}]"
    raise ValueError(f"{name}: input has {channels} channels, but weight needs {needed}{of}{hint}")


def check_transposed_channels(
    name: str,
    inner: Sequence[int],
    channels_last: bool,
    needed: int,
    c_out: int,
    groups: int,
) -> None:
    """The same for a transposed convolution, whose weight has (C, O/groups) first."""
    if needed % groups:
        raise ValueError(
            f"{name}: weight has {needed} input channel{'s' * (needed != 1)}, "
            f"but it must have a multiple of groups={groups}"
        )
    if not c_out:
        raise ValueError(f"{name}: weight has 0 output channels, but it must have at least 1")
    channels, other = (inner[-1], inner[0]) if channels_last else (inner[0], inner[-1])
    if channels == needed:
        return
    hint = ""
    if other == needed:
        hint = other_place(channels_last)
    elif channels == c_out and groups == 1:
        hint = "; if the axes of weight are (O, C, ...), pass weight.swapaxes(0, 1)"
    raise ValueError(f"{name}: input has {channels} channels, but weight needs {needed}{hint}")


def check_depthwise_channels(
    name: str,
    inner: Sequence[int],
    channels_last: bool,
    outputs: int,
    c_in: int,
    kernel: Sequence[int],
) -> None:
    """The same for a depthwise convolution, whose weight has (C * multiplier, 1) first."""
    channels, other = (inner[-1], inner[0]) if channels_last else (inner[0], inner[-1])
    if not channels:
        raise ValueError(f"{name}: input has 0 channels, but it must have at least 1")
    if c_in != 1:
        hint = "; if its first axes are (1, C), pass weight.swapaxes(0, 1)" * (outputs == 1)
        rank, shape = len(kernel), (outputs, c_in, *kernel)
        # `prepare` knows no input: there it has one channel.
        square = channels == 1 and _square_first(outputs, c_in, kernel)
        if not hint and (shape[rank] == channels or square):
            letters = {1: "kL", 2: "kH, kW", 3: "kD, kH, kW"}[rank]
            axes, told = (rank, rank + 1, *range(rank)), (shape[rank] * shape[-1], 1, *shape[:rank])
            hint = f"; if its axes are ({letters}, C, multiplier), as in TensorFlow, pass "
            hint += f"weight.transpose{axes}.reshape{told}"
        raise ValueError(
            f"{name}: weight has size {c_in} on its second axis, but it must be 1, one input "
            f"channel for each output channel{hint}"
        )
    if not outputs:
        raise ValueError(
            f"{name}: weight has 0 output channels, but it must have at least one for each channel"
        )
    if outputs % channels:
        of_input = "the 1 channel" if channels == 1 else f"the {channels} channels"
        hint = other_place(channels_last) if other == outputs else ""
        raise ValueError(
            f"{name}: weight has {outputs} output channel{'s' * (outputs != 1)}, "
            f"but it must be a positive multiple of {of_input} of input{hint}"
        )


def _square_first(outputs: int, c_in: int, kernel: Sequence[int]) -> bool:
    """Whether a weight is more likely (kH, kW, C, O) than (O, C, kH, kW): kernels are squares."""
    square = len({outputs, c_in, *kernel[:-2]}) == 1
    return square and (outputs > 1 or len({*kernel}) > 1)
