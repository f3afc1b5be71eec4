"""The authors' own file of YOLO5Face n-0.5 has exactly the weights of our YAML."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx
import pytest
import torch
from ultralytics.nn.tasks import PoseModel

import ultra_face
from benchmarks.peers.table import ADAPTERS

ultra_face.register()


@pytest.mark.data
def test_yolo5face_has_the_convolutions_of_our_yaml(peer_files: Path) -> None:
    (file,) = peer_files.glob(ADAPTERS["YOLO5Face (YOLOv5n-0.5)"].pattern)
    model = PoseModel("yolov5n-yolo5face-shuffle-half.yaml", nc=1, data_kpt_shape=(5, 2), verbose=False)
    ours = [tuple(layer.weight.shape) for layer in model.modules() if isinstance(layer, torch.nn.Conv2d)]
    graph = onnx.load(file).graph
    stored = {weight.name: tuple(weight.dims) for weight in graph.initializer}
    theirs = [stored[node.input[1]] for node in graph.node if node.op_type == "Conv"]
    assert Counter(theirs) == Counter(ours)
