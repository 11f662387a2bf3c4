# SPDX-License-Identifier: BSD-3-Clause
"""The node tests of ONNX; those of all operators are made once, as onnx makes them on import."""

from functools import cache


@cache
def all_cases():
    from onnx.backend.test.case.node import collect_testcases

    return tuple(collect_testcases())


def cases(operator):
    """Those of a model that is one node of this operator."""
    for case in all_cases():
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type == operator:
            yield case
