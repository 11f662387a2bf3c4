# SPDX-License-Identifier: BSD-3-Clause
"""The node tests of ONNX for pooling and unpooling."""

import numpy as np
import pytest
from nodes import cases

import fastconv

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore"),  # of other operators, whose cases are made, too
]

WORDS = {"SAME_UPPER": "same_upper", "SAME_LOWER": "same_lower", "VALID": "valid"}


def attributes(node):
    """What a node says, in Python."""
    from onnx.helper import get_attribute_value

    said = {one.name: get_attribute_value(one) for one in node.attribute}
    return {k: v.decode() if isinstance(v, bytes) else v for k, v in said.items()}


def padding_of(said, rank):
    if said.get("auto_pad", "NOTSET") != "NOTSET":
        return WORDS[said["auto_pad"]]
    pads = said.get("pads", [0] * 2 * rank)
    return list(zip(pads[:rank], pads[rank:], strict=True))


def pooled(node, x, outputs):
    """The outputs of a node."""
    said, rank = attributes(node), x.ndim - 2
    if node.op_type.startswith("Global"):
        kind = {"GlobalAveragePool": "avg", "GlobalMaxPool": "max"}[node.op_type]
        return (getattr(fastconv, f"global_{kind}_pool{rank}d")(x),)
    words = {
        "stride": said.get("strides", 1),
        "padding": padding_of(said, rank),
        "dilation": said.get("dilations", 1),
        "ceil_mode": bool(said.get("ceil_mode", 0)),
    }
    kernel = said["kernel_shape"]
    if node.op_type == "AveragePool":
        include = bool(said.get("count_include_pad", 0))
        return (
            getattr(fastconv, f"avg_pool{rank}d")(x, kernel, count_include_pad=include, **words),
        )
    if node.op_type == "LpPool":
        return (getattr(fastconv, f"lp_pool{rank}d")(x, said.get("p", 2), kernel, **words),)
    order = "flat_column_major" if said.get("storage_order", 0) else "flat"
    pool = getattr(fastconv, f"max_pool{rank}d")
    found = pool(x, kernel, return_indices=outputs > 1, index_convention=order, **words)
    return found if outputs > 1 else (found,)


@pytest.mark.parametrize(
    ("operator", "least"),
    [("MaxPool", 19), ("AveragePool", 20), ("LpPool", 8), ("GlobalAveragePool", 2),
     ("GlobalMaxPool", 2)],
)  # fmt: skip
def test_pools_are_those_of_the_node_tests(operator, least):
    onnx = pytest.importorskip("onnx")
    found = 0
    for case in cases(operator):
        for (x, *_), wanted in case.data_sets:
            got = pooled(case.model.graph.node[0], np.asarray(x), len(wanted))
            for here, there in zip(got, wanted, strict=True):
                close = {"rtol": case.rtol or 1e-3, "atol": case.atol or 1e-7}
                np.testing.assert_allclose(here, there, err_msg=case.name, **close)
            found += 1
    assert found >= least, onnx.__version__


def test_max_unpooling_is_that_of_the_node_tests():
    onnx = pytest.importorskip("onnx")
    found = 0
    for case in cases("MaxUnpool"):
        (node,) = case.model.graph.node
        said = attributes(node)
        for (x, indices, *size), (wanted,) in case.data_sets:
            x, indices = np.asarray(x), np.asarray(indices)
            got = fastconv.max_unpool2d(
                x, indices, said["kernel_shape"], said.get("strides", 1), padding_of(said, 2),
                index_convention="flat",
            )  # fmt: skip
            if size:  # indices are those of the smaller output, which is the corner of it
                more = [(0, n - m) for n, m in zip(size[0], got.shape, strict=True)]
                got = fastconv.pad(got, more)
            np.testing.assert_allclose(got, wanted, err_msg=case.name)
            found += 1
    assert found >= 2, onnx.__version__
