from __future__ import annotations

import pytest
import yaml
from ultralytics.data import utils
from ultralytics.data.dataset import YOLODataset

from ultra_face.data import widerface_download
from ultra_face.data.prepare import DATA_KEYS, prepare_dataset
from ultra_face.demo import dataset


@pytest.fixture(params=["faces-demo", "widerface"])
def data_yaml(request, repository):
    return yaml.safe_load((repository / "cfg" / "datasets" / f"{request.param}.yaml").read_text(encoding="utf-8"))


def test_keys_equal_those_of_prepared_data_sets(data_yaml):
    assert {key: data_yaml[key] for key in DATA_KEYS} == DATA_KEYS
    assert (data_yaml["train"], data_yaml["val"]) == ("images/train", "images/val")


def test_the_download_script_calls_our_code_with_the_resolved_folder(data_yaml, monkeypatch, tmp_path):
    called = []

    def record(output, *, progress):
        assert list(progress(["job"])) == ["job"]
        called.append(output)

    monkeypatch.setattr(dataset, "generate_demo", record)
    monkeypatch.setattr(widerface_download, "download_widerface", record)
    # as Ultralytics runs it, with the YAML's content and the resolved folder as `path`
    exec(data_yaml["download"], {"yaml": {**data_yaml, "path": tmp_path}})
    assert called == [tmp_path]


def test_ultralytics_draws_the_demo_set_on_first_use(repository, tmp_path, monkeypatch):
    monkeypatch.setattr(utils, "DATASETS_DIR", tmp_path)
    monkeypatch.setattr(dataset, "SPLIT_SIZES", {"train": 3, "val": 2})
    data = utils.check_det_dataset(str(repository / "cfg" / "datasets" / "faces-demo.yaml"))
    assert data["kpt_shape"] == [5, 3]
    assert len(list((tmp_path / "faces-demo" / "images" / "train").iterdir())) == 3
    assert len(list((tmp_path / "faces-demo" / "labels" / "val").iterdir())) == 2


def test_ultralytics_keeps_every_label_of_a_prepared_set(retinaface_source, tmp_path):
    splits = {"train": "train.txt", "val": "dev.txt"}
    report = prepare_dataset([retinaface_source], tmp_path / "data", split_lists=splits)
    data = utils.check_det_dataset(str(report.data_yaml))
    for split, counts in report.splits.items():
        labels = YOLODataset(img_path=data[split], data=data, task="pose", imgsz=64, augment=False).labels
        assert len(labels) == counts.images
        assert sum(len(label["bboxes"]) for label in labels) == counts.faces
        assert sum(int((label["keypoints"][..., 2] > 0).sum()) for label in labels) == counts.landmarks
