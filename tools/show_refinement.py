"""Write a picture of what refinement does to a photograph: stage one, windows, enlarged tiles, stage two, result."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2

from ultra_face.command import command, positive, share
from ultra_face.data.output_folder import write_file
from ultra_face.open_model import open_checkpoint
from ultra_face.second_look import draw_second_look, look_again


@command("show_refinement")
def main() -> None:
    """Read the command line, look twice, write the picture."""
    add = (parser := argparse.ArgumentParser(description=__doc__)).add_argument
    add("model", type=Path, help="face model with refinement, .pt")
    add("photograph", type=Path, help="image file")
    add("--output", type=Path, default=Path("second-look.png"), help="picture to write (default: second-look.png)")
    add("--imgsz", type=positive, default=640, help="long side of the input in px (default: 640)")
    add("--conf", type=share, default=0.25, help="lowest score shown (default: 0.25)")
    add("--iou", type=share, default=0.5, help="IoU of the NMS (default: 0.5)")
    args = parser.parse_args()
    if not cv2.haveImageWriter(str(args.output)):
        raise ValueError(f"{args.output}: expected the name of a picture, such as look.png; choose another")
    image = cv2.imread(str(args.photograph))
    if image is None:
        raise ValueError(f"{args.photograph}: expected an image that decodes, got none; check the path")
    model = open_checkpoint(args.model).model.eval()
    look = look_again(model, image, imgsz=args.imgsz, confidence=args.conf, nms_iou=args.iou)
    write_file(args.output, cv2.imencode(args.output.suffix, draw_second_look(look))[1].tobytes())
    print(f"{len(look.first)} faces at first, {len(look.final)} after {len(look.tiles)} windows; wrote {args.output}")


if __name__ == "__main__":
    main()
