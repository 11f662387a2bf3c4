# SPDX-License-Identifier: BSD-3-Clause
"""prepare(operation, weight, ...): the arguments are those of the operation."""

import inspect
import pickle
import re

import numpy as np
import pytest
from arrays import numbers
from truth import assert_same_bits
from ways import CONV

import fastconv

pytestmark = pytest.mark.usefixtures("poisoned")


@pytest.mark.parametrize("rank", CONV)
@pytest.mark.parametrize("by_name", [False, True])
def test_an_operation_or_its_name(rank, by_name):
    x, w, bias = (
        numbers((2, 4, *(7, 11, 5)[:rank])),
        numbers((6, 2, *(3, 2, 5)[:rank])),
        numbers((6,)),
    )
    operation = f"conv{rank}d" if by_name else CONV[rank]
    layer = fastconv.prepare(operation, w, bias, 2, "same", groups=2, flip=True)
    expected = CONV[rank](x, w, bias, 2, "same", groups=2, flip=True)
    assert_same_bits(layer(x), expected)
    assert_same_bits(fastconv.prepare(operation, weight=w)(x[:, :2]), CONV[rank](x[:, :2], w))
    short = fastconv.prepare(w, bias, 2, "same", groups=2, flip=True)
    assert repr(layer) == repr(short)
    assert_same_bits(pickle.loads(pickle.dumps(layer))(x), expected)


def test_the_signature_is_that_for_a_weight():
    names = list(inspect.signature(fastconv.prepare).parameters)
    assert names[:3] == ["weight", "bias", "stride"]


@pytest.mark.parametrize(
    ("kind", "arguments", "said", "message"),
    [
        (ValueError, ("conv4d",), {}, "prepare: operation is 'conv4d', but it must be a "
         "function of fastconv that has weights or its name, one of 'conv1d', "),
        (TypeError, (print,), {}, "prepare: operation is <built-in function print>, "),
        (TypeError, ("conv1d",), {"out": np.ones(3)},
         "prepare: out is given, but it must be passed to the layer instead"),
        (TypeError, ("conv1d",), {"residual": None}, "prepare: residual is given, "),
        (TypeError, ("conv1d",), {"input": None}, "prepare: input is given, "),
        (ValueError, ("conv2d",), {}, "prepare: weight has shape (2, 1, 3), but it must be "
         "(O, C/groups, kH, kW)"),
        (ValueError, ("conv1d",), {"stride": 0}, "prepare: stride is 0, "),
        (TypeError, ("conv1d",), {"strides": 2}, "conv1d() got an unexpected keyword"),
    ],
)  # fmt: skip
def test_errors(kind, arguments, said, message):
    with pytest.raises(kind, match=f"^{re.escape(message)}"):
        fastconv.prepare(*arguments, np.ones((2, 1, 3)), **said)


@pytest.mark.parametrize(
    ("operation", "shapes", "message"),
    [
        *((operation, [shape], f"weight has shape {shape}, but it must be ({axes}, kH, kW)")
          for operation, axes in (("conv2d", "O, C/groups"), ("conv_transpose2d", "C, O/groups"),
                                  ("depthwise_conv2d", "C * multiplier, 1"))
          for shape in ((), (3,), (3, 3), (2, 3, 3), (2, 2, 3, 3, 3))),
        *((f"{kind}conv2d", [(0, 1, 3, 3), (2, 3)][:pair],
           f"{word}weight has 0 output channels, but it must have at least one for each channel")
          for kind, word, pair in (("depthwise_", "", 1),
                                   ("depthwise_separable_", "depthwise_", 2))),
        ("depthwise_separable_conv2d", [(3, 3), (2, 3)], "depthwise_weight has shape (3, 3), "),
    ],
)  # fmt: skip
def test_a_weight_that_no_input_fits(operation, shapes, message):
    """The message is about the weight: there is no input yet."""
    with pytest.raises(ValueError, match=f"^{re.escape('prepare: ' + message)}") as caught:
        fastconv.prepare(operation, *map(np.ones, shapes))
    assert "input" not in str(caught.value)


@pytest.mark.parametrize("operation", [fastconv.conv2d, "conv2d", fastconv.filter2d])
def test_the_operation_comes_first(operation):
    weight, name = np.ones((2, 3, 5, 5)), getattr(operation, "__name__", operation)
    message = (
        f"prepare: bias is the operation {name}, but it must be an array or None; the operation "
        f"comes first, as in prepare({name}, weight)"
    )
    for arguments, said in (((weight, operation), {}), ((weight,), {"bias": operation})):
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            fastconv.prepare(*arguments, **said)


@pytest.mark.parametrize(
    ("operation", "weights", "missing"),
    [
        ("conv2d", [], "weight"),
        ("filter2d", [], "kernel"),
        ("separable_filter", [], "kernels_1d"),
        ("depthwise_separable_conv2d", [np.ones((2, 1, 3, 3))], "pointwise_weight"),
    ],
)
def test_a_weight_that_is_missing(operation, weights, missing):
    message = f"prepare: {missing} is missing, but {operation} needs it"
    for given in (operation, getattr(fastconv, operation)):
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            fastconv.prepare(given, *weights, stride=2)
