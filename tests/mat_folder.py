"""A small folder in the layout of the official ground truth."""

from __future__ import annotations

import numpy as np
import scipy.io

FACES = {
    "0--Parade": {"0_Parade_a": [[10, 20, 30, 40], [100, 20, 8, 9]], "0_Parade_b": [[5, 5, 50, 60]]},
    "1--Handshaking": {"1_Handshaking_c": [[1, 2, 3, 4]]},
}
COUNTED = {
    "easy": {"0_Parade_a": [1], "0_Parade_b": [], "1_Handshaking_c": []},
    "medium": {"0_Parade_a": [1], "0_Parade_b": [1], "1_Handshaking_c": []},
    "hard": {"0_Parade_a": [1, 2], "0_Parade_b": [1], "1_Handshaking_c": [1]},
}


def cells(items):
    """(n, 1) cell array."""
    array = np.empty((len(items), 1), object)
    array[:, 0] = items
    return array


def cell_lists(values_by_event):
    """Cell array (events, 1) of cell arrays (images, 1)."""
    outer = np.empty((len(values_by_event), 1), object)
    for row, values in zip(outer, values_by_event, strict=True):
        inner = np.empty((len(values), 1), object)
        for cell, value in zip(inner, values, strict=True):
            cell[0] = value
        row[0] = inner
    return outer


def write_mat_folder(folder, *, faces=FACES, counted=COUNTED):
    """Write the four `.mat` files and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {
        "event_list": cells(list(faces)),
        "file_list": cell_lists([list(images) for images in faces.values()]),
    }
    boxes = [[np.array(box, np.int32) for box in images.values()] for images in faces.values()]
    scipy.io.savemat(folder / "wider_face_val.mat", {**names, "face_bbx_list": cell_lists(boxes)})
    for subset, by_image in counted.items():
        lists = [[np.array(by_image[name], np.uint8).reshape(-1, 1) for name in images] for images in faces.values()]
        scipy.io.savemat(folder / f"wider_{subset}_val.mat", {**names, "gt_list": cell_lists(lists)})
    return folder
