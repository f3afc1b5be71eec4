"""Which nodes compute in whole numbers, by the names that Ultralytics' exporter gives them."""

from __future__ import annotations

import pytest

from ultra_face.deploy.quantised_nodes import head_layer, stays_float


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/model.2/cv1/conv/Conv", False),
        ("/model.2_1/cv1/conv/Conv", False),  # the second look runs the trunk again
        ("/model/model.11/local_branch/MatMul", False),  # inside the module that suppresses, `nms=True`
        ("/model.25/predict.0/Conv", True),
        ("/model.25_1/predict.0_1/Conv", True),
        ("/model.25/Sigmoid", True),
        ("/model.25/cv4.1/cv4.1.0/conv/Conv", False),
        ("/model.25/one2one_cv2.0/one2one_cv2.0.1/act/Mul", False),
        ("/model.25/cv4.1/cv4.1.2/Conv", True),
        ("/model.25/dfl/conv/Conv", True),
        ("/model.25/predict.0/Conv/WithoutBiases", True),  # as OpenVINO names a part of it
        ("__module.model.2.cv1.conv/aten::_convolution/Convolution", False),
        ("__module.model.25.predict.0/aten::_convolution/Convolution", True),
        ("__module.model.25.cv4.1.0.conv/aten::_convolution/Convolution", False),
        ("__module.model.25.cv4.1.2/aten::_convolution/Convolution", True),
        ("__module.model.25/aten::sigmoid/Sigmoid", True),
        ("__module.model.25.dfl.conv/aten::_convolution/Convolution", True),
        ("/NonMaxSuppression", True),
        ("", True),
    ],
)
def test_all_but_the_output_convolutions_and_what_follows(name: str, expected: bool) -> None:
    assert stays_float(name, 25) is expected


def test_the_head_is_the_last_layer() -> None:
    assert head_layer(["/model.2/Conv", "", "/model.25/Sigmoid", "/model.9/Mul", "/Sub"]) == 25
    assert head_layer(["/Sub", "conv1"]) is None
