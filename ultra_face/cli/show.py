"""Draw what the second look does to a photograph: stage one, windows, enlarged tiles, stage two, result."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import cv2

from ultra_face.cli.command import add_trust, logging_on_standard_error, new_parser, share
from ultra_face.cli.detector import input_side
from ultra_face.files.whole import write_file
from ultra_face.formats.image_files import read_image
from ultra_face.refinement.second_look import draw_second_look, look_again
from ultra_face.runtimes.ultralytics_model import open_checkpoint


def parser() -> ArgumentParser:
    """What the command asks for."""
    add = (new := new_parser("show", __doc__, "refined.pt photo.jpg --output look.png")).add_argument
    add("model", type=Path, help="face model with refinement, .pt")
    add("photograph", type=Path, help="image file")
    add("--output", type=Path, default=Path("second-look.png"), help="picture to write (default: second-look.png)")
    add("--imgsz", type=input_side, default=640, help="long side of the input in px (default: 640)")
    add("--conf", type=share, default=0.25, help="lowest score shown (default: 0.25)")
    add("--iou", type=share, default=0.5, help="IoU of the NMS (default: 0.5)")
    return add_trust(new)


def run(options: Namespace) -> None:
    """Look twice, write the picture and say what was found."""
    if not cv2.haveImageWriter(str(options.output)):
        raise ValueError(f"{options.output}: expected the name of a picture, such as look.png; choose another")
    image = read_image(options.photograph)
    if image is None:
        raise ValueError(f"{options.photograph}: expected an image that decodes, got none; check the path")
    with logging_on_standard_error():
        model = open_checkpoint(options.model).model.eval()
    look = look_again(model, image, imgsz=options.imgsz, confidence=options.conf, nms_iou=options.iou)
    write_file(options.output, cv2.imencode(options.output.suffix, draw_second_look(look))[1].tobytes())
    found = f"{len(look.first)} faces at first, {len(look.final)} after {len(look.tiles)} windows"
    print(f"{found}; wrote {options.output}")
