"""Whatever is wrong with the words or files of a command: one sentence on standard error, exit status 1, no traceback.

A table of commands and wrong inputs; the tests of each part state its sentences in full.
"""

from __future__ import annotations

import re
import runpy
import sys
from argparse import ArgumentTypeError
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from interpreters import run_python

from ultra_face import __main__
from ultra_face.cli.command import command, not_negative, positive, sentence, share
from ultra_face.formats.files import named

WIDER = "ultra-face evaluate --ground-truth gt.txt"
RUN = f"{WIDER} --images images --output results"
LANDMARKS = "ultra-face evaluate-landmarks --annotations label.txt --output new.txt"
BENCHMARK = "benchmark --data-name x --name y --output new"

# Words of a command, and how its sentence begins, `name: ` aside; a $ ends a sentence that is given in full.
WRONG = [
    ("ultra-face refine no.pt new.pt", "no.pt: expected the checkpoint of a face model, got no file; check the path$"),
    (
        "ultra-face refine text.pt new.pt",
        "text.pt: expected the checkpoint of a face model, got a file of another kind",
    ),
    (
        "ultra-face refine empty.pt new.pt",
        "empty.pt: expected the checkpoint of a face model, got a file of another kin",
    ),
    (
        "ultra-face refine dict.pt new.pt",
        "dict.pt: expected the checkpoint of a face model, got a file of another kind",
    ),
    (
        "ultra-face refine text.onnx new.pt",
        "text.onnx: expected the checkpoint of a face model, ",
    ),
    (
        "ultra-face refine yolov5n-face.yaml new.pt",
        "yolov5n-face.yaml: expected the checkpoint of a face model, ",
    ),
    (f"{WIDER} --predictions nowhere", "nowhere: expected one folder an event with one .txt an image, found no .txt; "),
    (
        f"{WIDER} --predictions empty",
        "empty: expected one folder an event with one .txt an image, found no .txt; `ultra-",
    ),
    (
        f"{WIDER} --predictions flat",
        "flat: expected one folder an event with one .txt an image, got 1 .txt and no folder; "
        "move each into the folder of its event, such as 0--Parade/0_a.txt$",
    ),
    (
        f"{WIDER} --predictions yolo",
        "yolo/0--P/0_a.txt:2: expected the number of detections, got '0 0.5 0.5 0.1 0.1 0.9'",
    ),
    (
        f"{WIDER} --predictions some",
        "no predictions for 1 of 2 images: 0--P/0_b; write a result file with count 0 where nothing was found, "
        "or score missing images as empty with --allow-missing$",
    ),
    (
        f"{WIDER} --predictions stopped",
        "stopped: expected result files of a finished run, got 0--P.part of one that is",
    ),
    (f"{WIDER} --predictions odd", "odd/detector.json: expected a JSON object that says how the files were made; corr"),
    (f"{WIDER} --predictions all --compare nowhere", "nowhere: expected one folder an event with one .txt an image"),
    (f"{WIDER} --predictions all --subset-list no.txt", "no.txt: no such file or directory; check the path and its "),
    (f"{WIDER} --predictions all --json text.txt/a.json", "text.txt: file exists; check the path and its permissions$"),
    (f"{WIDER} --predictions all --json empty", "empty: is a directory; check the path and its permissions$"),
    (f"{WIDER} --predictions all --plot text.txt/a.png", "text.txt: file exists; check the path and its permissions$"),
    (
        f"{WIDER} --predictions all --reliability a.png",
        "all: expected boxes with scores, got none; run the detector on these images; or leave out the picture of ",
    ),
    (f"{WIDER} --predictions all --plot a.odd", "a.odd: expected a picture of a known format, got '.odd'; known are "),
    (
        "ultra-face evaluate --predictions all --ground-truth no",
        "no: expected the folder of the WIDER FACE .mat files or ",
    ),
    (
        "ultra-face evaluate --predictions all --ground-truth empty",
        "empty: lacks wider_face_val.mat, wider_easy_val.mat, ",
    ),
    (
        "ultra-face evaluate --predictions all --ground-truth a.mat",
        "a.mat: expected the folder of the .mat files, got one ",
    ),
    ("ultra-face evaluate --predictions all --ground-truth label.txt", "label.txt:2: expected the number of faces"),
    (
        f"{RUN} --model no.pt",
        "no.pt: expected a pose or detect model of Ultralytics, or an export of one, got no file; ",
    ),
    (f"{RUN} --model text.pt", "text.pt: expected a pose or detect model of Ultralytics, or an export of one, got a "),
    (f"{RUN} --model text.onnx", "text.onnx: expected a pose or detect model of Ultralytics, or an export of one, got"),
    (f"{RUN} --model no.onnx", "no.onnx: expected a pose or detect model of Ultralytics, or an export of one, got no "),
    (f"{RUN} --model broken.yaml", "broken.yaml: expected a pose or detect model of Ultralytics, or an export of one"),
    (
        f"{RUN} --model odd.yaml",
        "odd.yaml: expected a pose or detect model of Ultralytics, or an export of one, got a f",
    ),
    (f"{RUN} --model yolov8n-cls.yaml", "yolov8n-cls.yaml: expected a pose or detect model of Ultralytics, or an expo"),
    (f"{RUN} --model yolov5n-face.yaml --images no", "no: expected the folder of the images, got no folder; check "),
    (f"{RUN} --model yolov5n-face.yaml --images empty", "empty: lacks 2 of 2 images: 0--P/0_a, 0--P/0_b; give the "),
    (f"{RUN} --model yolov5n-face.yaml --images damaged", "damaged/0--P/0_a.jpg: does not decode as an image; copy it"),
    (f"{RUN} --model yolov5n-face.yaml --output all", "all: expected a new or empty folder, got one with files of ano"),
    (f"{RUN} --model yolov5n-face.yaml --output text.txt", "text.txt: not a directory; check the path and its permiss"),
    (f"{LANDMARKS} --predictions no.txt", "no.txt: no such file or directory; check the path and its permissions$"),
    (f"{LANDMARKS} --predictions text.txt", "text.txt:1: expected '# path"),
    (f"{LANDMARKS} --predictions other.txt", "no predictions for 1 of 1 images: 0--P/0_a.jpg; write a result file "),
    (f"{LANDMARKS} --predictions label.txt --plot text.txt/a.png", "text.txt: file exists; check the path and its "),
    (f"{LANDMARKS} --model yolov8n.yaml --images images", "yolov8n.yaml: expected a model with 5 landmarks, got 0$"),
    (f"{LANDMARKS} --model yolov5n-face.yaml --images empty", "empty: lacks 1 of 1 images: 0--P/0_a.jpg; give the "),
    (f"{LANDMARKS} --model no.pt --images images --output empty", "empty: expected a file that can be written, got a "),
    (
        "ultra-face show no.pt images/0--P/0_a.jpg",
        "no.pt: expected the checkpoint of a face model, got no file; check ",
    ),
    (
        "ultra-face show text.onnx images/0--P/0_a.jpg",
        "text.onnx: expected the checkpoint of a face model, got a model",
    ),
    ("ultra-face show no.pt no.jpg", "no.jpg: expected an image that decodes, got none; check the path$"),
    (
        "ultra-face calibrate no.pt new.pt --data odd.yaml",
        "no.pt: expected the checkpoint of a face model, got no file; check the path$",
    ),
    (
        "ultra-face calibrate no.pt text.pt --data odd.yaml",
        "text.pt: expected a new file, got an existing one; choose another name, or remove it$",
    ),
    (
        "ultra-face fold-norms no.pt new.pt --data odd.yaml",
        "no.pt: expected the checkpoint of a face model, got no file; check the path$",
    ),
    ("ultra-face quantize no.pt new.tflite --data odd.yaml", "new.tflite: expected a name that ends in .onnx or "),
    ("ultra-face quantize odd.yaml new.onnx --data odd.yaml", "odd.yaml: expected a checkpoint .pt or the .onnx file "),
    (
        "ultra-face quantize no.pt new.onnx --data odd.yaml",
        "odd.yaml: expected a data YAML as for yolo train, got a file of another kind",
    ),
    (
        "ultra-face bulk images --output new --model odd.yaml",
        "odd.yaml: expected a face model, .pt or .onnx, got another; ",
    ),
    ("ultra-face bulk images --output new --model no.onnx", "no.onnx: expected an ONNX file, got no file; check the p"),
    ("ultra-face bulk images --output s3://new", "s3://new: expected a folder of this machine to write to, got a URI;"),
    ("ultra-face web odd.yaml", "odd.yaml: expected a face model, .pt or .onnx, got another; make one"),
    ("ultra-face train-generator --data no.yaml", "'no.yaml' does not exist"),
    (
        "ultra-face train-generator --data broken.yaml",
        "broken.yaml: expected a data YAML as for yolo train, got broken YAML (while",
    ),
    (
        "ultra-face train-generator --data odd.yaml",
        "odd.yaml: expected a data YAML as for yolo train, got a file of another kind",
    ),
    (
        "ultra-face train-generator --data empty",
        "empty: expected a data YAML as for yolo train, got a file of another kind",
    ),
    ("ultra-face anchors --data no.yaml", "'no.yaml' does not exist"),
    (
        "ultra-face anchors --data odd.yaml",
        "odd.yaml: expected a data YAML as for yolo train, got a file of another kind",
    ),
    (
        "ultra-face anchors --data images.yaml --model broken.yaml",
        "broken.yaml: expected a model YAML, got ",
    ),
    (
        "ultra-face tiles nowhere --output new",
        "nowhere/images/train: expected images, got none; run `ultra-face prepare`",
    ),
    ("ultra-face tiles nowhere --output new --side x", "--side: expected a number or a range"),
    (
        "ultra-face collages nowhere --output new",
        "nowhere/images/train: expected images, got none; run `ultra-face prep",
    ),
    (
        "ultra-face blur nowhere --output new",
        "nowhere: expected an image, a video or a folder, got nothing there; check the path$",
    ),
    (
        "ultra-face blur empty nowhere --output new",
        "empty: expected images or videos in this folder, got none; --recursive looks into folders below too; nowhere:",
    ),
    *(
        (f"ultra-face {name} images/0--P --model no.pt --output new{suffix}", "no.pt: expected ")
        for name, suffix in (("align", ""), ("blur", ""), ("crop", ""), ("detect", ".csv"))
    ),
    *(
        (
            f"ultra-face {name} nowhere --output new{suffix}",
            "nowhere: expected an image, a video or a folder, got nothi",
        )
        for name, suffix in (("align", ""), ("crop", ""), ("detect", ".csv"), ("track", ""))
    ),
    ("ultra-face crop empty --output new", "empty: expected images or videos in this folder, got none; --recursive"),
    ("ultra-face track images/0--P --output new", "images/0--P: expected videos in this folder, got none; --recursive"),
    (
        "ultra-face detect images/0--P --output new.csv --draw images/0--P",
        "images/0--P: expected an output elsewhere, got the folder of the inputs; name one below it$",
    ),
    (
        "ultra-face detect images/0--P --output wrong.csv",
        "wrong.csv: expected a new file, got one that exists; add --overwrite to replace it$",
    ),
    ("ultra-face prepare nowhere --output new", "nowhere: expected WIDER_train.zip or WIDER_train/images, got neither"),
    ("ultra-face prepare label.txt --images images --output text.txt", "text.txt: not a directory; check the path and"),
    ("parameter_table --page no.md", "no.md: no such file or directory; check the path and its permissions$"),
    (f"{BENCHMARK} yolov5n-face.yaml --images nowhere", "nowhere: expected images, found none; give their folder"),
    (
        f"{BENCHMARK} yolov5n-face.yaml --data odd.yaml",
        "odd.yaml: expected a data YAML as for yolo train, got a file of another kind",
    ),
    (f"{BENCHMARK} text.pt --images images", "text.pt: expected a model of Ultralytics, got a file of another kind"),
    (f"{BENCHMARK} no.onnx --images images", "no.onnx: expected a file named like one of"),
]
MISUSED = [
    *(
        "ultra-face nonsense",
        "ultra-face doctor --nonsense",
        "ultra-face refine",
        "ultra-face demo --epochs 0",
        "ultra-face demo --imgsz x",
    ),
    *(WIDER, f"{WIDER} --nonsense", f"{RUN} --model a.pt --conf 7", f"{RUN} --model a.pt --max-det 0"),
    *(
        LANDMARKS,
        f"{LANDMARKS} --predictions a.txt --iou-threshold 7",
        "ultra-face show",
        "ultra-face train-generator --data",
        "ultra-face calibrate a.pt b.pt",
        "ultra-face calibrate a.pt b.pt --data a.yaml --split nonsense",
        "ultra-face detect a.jpg --output - --conf 0.5 --precision 0.9",
        "ultra-face fold-norms a.pt b.pt",
        "ultra-face quantize a.pt b.onnx",
        "ultra-face quantize a.pt b.onnx --data a --photographs 0",
        "ultra-face fold-norms a.pt b.pt --data a --least-correlation 7",
    ),
    *(
        "ultra-face show a.pt a.jpg --conf 7",
        "ultra-face show a.pt a.jpg --imgsz 0",
        "ultra-face show a.pt a.jpg --imgsz 650",
        "ultra-face fold-norms a.pt b.pt --data a.yaml --imgsz 650",
        "ultra-face quantize a.pt b.onnx --data a.yaml --imgsz 650",
        "ultra-face web a.pt --port 70000",
        "ultra-face bulk a.jpg",
        "ultra-face bulk a.jpg --output b --concurrency 0",
        "ultra-face bulk a.jpg --output b --num-gpus -1",
        "ultra-face anchors --data a --levels 0",
    ),
    *(
        "ultra-face blur a.jpg",
        "ultra-face blur a.jpg --output b --rotate 45",
        "ultra-face blur a.jpg --output b --tile none",
        "ultra-face blur a.jpg --output b --margin -1",
        "ultra-face blur a.mp4 --output b --hold inf",
        "ultra-face blur a.mp4 --output b --start x",
        "ultra-face blur a.mp4 --output b --start 1:30 --end 90",
        "ultra-face blur a.mp4 --output b --keep-region 0,0,9",
        "ultra-face blur a.mp4 --output b --keep-region 9,0,0,9",
        "ultra-face blur images/0--P --output b.jpg",
        "ultra-face blur a.mp4 --output b --spare-ids 0",
        "ultra-face detect a.jpg",
        "ultra-face detect a.jpg --output faces.txt",
        "ultra-face detect a.jpg --output faces",
        "ultra-face detect a.jpg --output faces --format xml",
        "ultra-face detect a.jpg --output - --format parquet",
        "ultra-face detect a.jpg --output a.csv --draw drawn.jpg",
        "ultra-face align a.jpg --output",
        "ultra-face align a.jpg --output b --size 0",
        "ultra-face align a.jpg --output b --largest 0",
        "ultra-face align a.jpg --output b.png",
        "ultra-face crop a.jpg --output -",
        "ultra-face crop a.jpg --output text.txt",
        "ultra-face crop a.jpg --output b --margin -1",
        "ultra-face crop a.jpg --output b --min-sharpness x",
        "ultra-face track a.mp4 --output b --tracker deepsort",
        "ultra-face track a.mp4 --output b.csv",
    ),
    *(
        "ultra-face tiles",
        "ultra-face collages",
        "ultra-face prepare",
        "parameter_table --nonsense",
        "make_results --nonsense",
    ),
    *("benchmark", f"{BENCHMARK} a.pt --timed 0"),
]


def command_of(line: str) -> str:
    """The command of a line of words: a tool, or `ultra-face` and what it is to do."""
    first, *others = line.split()
    return f"{first} {others[0]}" if first == "ultra-face" else first


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that are wrong for some command each."""
    folder = tmp_path_factory.mktemp("inputs")
    texts = {
        **dict.fromkeys(("text.pt", "text.txt", "text.onnx", "a.mat", "wrong.csv"), "hello\n"),
        **dict.fromkeys(("all/0--P/0_a.txt", "some/0--P/0_a.txt", "flat/0_a.txt", "odd/0--P/0_a.txt"), "0_a\n0\n"),
        **dict.fromkeys(("all/0--P/0_b.txt", "odd/0--P/0_b.txt", "stopped/0--P.part/0_b.txt"), "0_b\n0\n"),
        **dict.fromkeys(("damaged/0--P/0_a.jpg", "damaged/0--P/0_b.jpg", "odd/detector.json"), "damaged"),
        "yolo/0--P/0_a.txt": "0 0.5 0.5 0.1 0.1 0.9\n" * 2,
        "empty.pt": "",
        "broken.yaml": "a: [1, 2\nb",
        "odd.yaml": "a: 1\n",
        "images.yaml": f"path: {folder}\ntrain: images\nval: images\nnames: {{0: face}}\nkpt_shape: [5, 3]\n",
        "gt.txt": "".join(f"0--P/0_{name}.jpg\n1\n16 16 32 32 0 0 0 0 0 0\n" for name in "ab"),
        "label.txt": "# 0--P/0_a.jpg\n0 0 20 20 5 5 0 15 5 0 10 10 0 6 15 0 14 15 0\n",
        "other.txt": "# 0--P/0_x.jpg\n",
        "labels/0--P/0_a.txt": "".join(f"0 0.5 0.5 0.{side} 0.{side}{' 0' * 15}\n" for side in range(1, 10)),
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name in ("empty", "images/0--P"):
        (folder / name).mkdir(parents=True)
    for name in "ab":
        cv2.imwrite(str(folder / f"images/0--P/0_{name}.jpg"), np.zeros((48, 80, 3), np.uint8))
    torch.save({"a": 1}, folder / "dict.pt")
    return folder


@pytest.fixture
def status(inputs: Path, repository: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a line of words; give what ends the program: a status, or the text that goes with 1."""
    monkeypatch.chdir(inputs)

    def main(name: str) -> None:
        if name == "ultra-face":
            __main__.main()
        else:
            runpy.run_path(str(repository / "tools" / f"{name}.py"), run_name="__main__")

    def run(line: str) -> object:
        monkeypatch.setattr(sys, "argv", line.split())
        with pytest.raises(SystemExit) as stopped:
            main(line.split()[0])
        return stopped.value.code

    return run


def test_the_tables_hold_every_command(repository: Path) -> None:
    commands = {f"ultra-face {name}" for name in __main__.COMMANDS} | {"benchmark", "make_results", "parameter_table"}
    assert set(map(command_of, MISUSED)) - {"ultra-face nonsense"} == commands
    # The others are told no file.
    assert {command_of(line) for line, _ in WRONG} == commands - {
        "make_results",
        "ultra-face doctor",
        "ultra-face demo",
    }


@pytest.mark.parametrize(("line", "expected"), WRONG, ids=[line for line, _ in WRONG])
def test_wrong_inputs_end_in_one_sentence(status, inputs: Path, line: str, expected: str) -> None:
    before = set(inputs.rglob("*"))
    text = status(line)
    pattern = re.escape(f"{command_of(line)}: {expected.removesuffix('$')}") + ("$" if expected.endswith("$") else "")
    assert isinstance(text, str)  # which the interpreter prints to standard error and ends with status 1
    assert re.match(pattern, text), text
    assert "\n" not in text
    assert {path.name for path in set(inputs.rglob("*")) - before} <= {"results", ".ultra_face.json"}


def test_pages_without_result_files_end_in_one_sentence(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tool looks beside itself."""
    tool = tmp_path / "tools" / "make_results.py"
    tool.parent.mkdir()
    tool.write_text((repository / "tools" / "make_results.py").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["make_results.py"])
    with pytest.raises(SystemExit, match=r"^make_results: .*README\.md: no such file or directory; check the path"):
        runpy.run_path(str(tool), run_name="__main__")


@pytest.mark.parametrize("line", MISUSED)
def test_words_that_no_command_knows_end_in_its_usage(status, capsys: pytest.CaptureFixture[str], line: str) -> None:
    assert status(line) == 2
    assert capsys.readouterr().err.startswith("usage: ")


def test_a_tool_in_a_shell(repository: Path, inputs: Path) -> None:
    tool = repository / "tools" / "eval_widerface.py"
    done = run_python(str(tool), "--predictions", "flat", "--ground-truth", "gt.txt", folder=inputs, status=1)
    assert done.stdout == ""
    assert done.stderr.startswith("ultra-face evaluate: flat: expected one folder an event")
    assert done.stderr.count("\n") == 1


def test_an_interruption_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    for reason, told in ((KeyboardInterrupt, "interrupted"), (KeyboardInterrupt("stopped at 3"), "stopped at 3")):
        with pytest.raises(SystemExit) as stopped, command("draw"):
            raise reason
        assert stopped.value.code == 130
        assert capsys.readouterr().err == f"draw: {told}\n"


def test_faults_of_the_program_keep_their_traceback() -> None:
    with pytest.raises(KeyError, match="fault"), command("draw"):
        raise KeyError("fault")


def test_what_succeeds_stays_as_it_is() -> None:
    @command("draw")
    def main() -> None:
        """Its own words."""

    main()
    main()
    assert main.__doc__ == "Its own words."


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("a\n  b\n"), "a b"),
        (OSError("its own sentence"), "its own sentence"),
        (
            PermissionError(13, "Permission denied", "a.txt"),
            "a.txt: permission denied; check the path and its permissions",
        ),
        (ModuleNotFoundError("No module named 'x'"), "No module named 'x'"),
    ],
)
def test_sentence(error: Exception, expected: str) -> None:
    assert sentence(error) == expected


def test_named() -> None:
    message = r"^a\.pt: expected a model, got a file of another kind \(KeyError: 'x'\); name a best\.pt$"
    with pytest.raises(ValueError, match=message), named("a.pt", "a model", "name a best.pt"):
        raise KeyError("x")
    for passed in (FileNotFoundError("no b.txt"), ValueError("b.txt: odd")):
        with pytest.raises(type(passed), match=r"b\.txt"), named("a.pt", "a model", "name a best.pt"):
            raise passed


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "", "²"])
def test_positive_refuses(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=f"^expected a whole number of 1 or more, got {text!r}$"):
        positive(text)


@pytest.mark.parametrize("text", ["-0.1", "1.1", "nan", "x", ""])
def test_share_refuses(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=f"^expected a number from 0 to 1, got {text!r}$"):
        share(text)


@pytest.mark.parametrize("text", ["-0.1", "nan", "inf", "x", ""])
def test_not_negative_refuses(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=f"^expected a number of 0 or more, got {text!r}$"):
        not_negative(text)


def test_positive_share_and_not_negative_read_numbers() -> None:
    assert (positive("12"), share("0"), share("1"), share(".5")) == (12, 0.0, 1.0, 0.5)
    assert (not_negative("0"), not_negative("1e3")) == (0.0, 1000.0)
