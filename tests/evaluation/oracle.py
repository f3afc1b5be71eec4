"""The WIDER FACE protocol, written a second time, slowly and literally, from its description.

Nothing here is shared with `ultra_face.evaluation`. Every step of the description is one loop: read, normalise,
sort, match each detection, look at each of the 1,000 thresholds of each image, add up, integrate.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.io


def read_ground_truth(folder):
    """For each image `event/name`: its boxes and, for each subset, the set of 0-based faces that count."""
    base = scipy.io.loadmat(Path(folder) / "wider_face_val.mat")
    faces = {}
    for e in range(len(base["event_list"])):
        event = str(base["event_list"][e][0][0])
        for i in range(len(base["file_list"][e][0])):
            name = str(base["file_list"][e][0][i][0][0])
            boxes = base["face_bbx_list"][e][0][i][0]
            faces[f"{event}/{name}"] = [[float(v) for v in box] for box in boxes]
    subsets = {}
    for subset in ("easy", "medium", "hard"):
        mat = scipy.io.loadmat(Path(folder) / f"wider_{subset}_val.mat")
        subsets[subset] = {}
        for e in range(len(mat["event_list"])):
            event = str(mat["event_list"][e][0][0])
            for i in range(len(mat["file_list"][e][0])):
                name = str(mat["file_list"][e][0][i][0][0])
                indices = mat["gt_list"][e][0][i][0].flatten()
                subsets[subset][f"{event}/{name}"] = {int(index) - 1 for index in indices}
    return faces, subsets


def read_predictions(folder):
    """For each image `event/name`: rows x, y, width, height, score."""
    predictions = {}
    for event in Path(folder).iterdir():
        for file in event.iterdir():
            lines = file.read_text().splitlines()
            rows = [[float(value) for value in line.split()] for line in lines[2:]]
            predictions[f"{event.name}/{file.stem}"] = rows
    return predictions


def overlap(a, b):
    """Intersection over union of two boxes x, y, width, height; both corner pixels belong to the box."""
    a_right, a_bottom = a[0] + a[2], a[1] + a[3]
    b_right, b_bottom = b[0] + b[2], b[1] + b[3]
    width = min(a_right, b_right) - max(a[0], b[0]) + 1
    height = min(a_bottom, b_bottom) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    a_area = (a_right - a[0] + 1) * (a_bottom - a[1] + 1)
    b_area = (b_right - b[0] + 1) * (b_bottom - b[1] + 1)
    return width * height / (a_area + b_area - width * height)


def match_image(detections, faces, counting):
    """Walk down the sorted detections; after each: is it a proposal, and how many faces are found so far?"""
    found, proposal, found_so_far = set(), [], []
    for detection in detections:
        overlaps = [overlap(detection, face) for face in faces]
        best = max(overlaps)
        face = overlaps.index(best)
        is_proposal = True
        if best >= 0.5:
            if face not in counting:
                is_proposal = False
            else:
                found.add(face)
        proposal.append(is_proposal)
        found_so_far.append(len(found))
    return proposal, found_so_far


def average_precision(faces, counting, predictions, num_thresholds=1000):
    """AP in 0..1 of one subset.

    `faces`: boxes by image; `counting`: set of counted faces by image; `predictions`: rows by image.
    """
    scores = [row[4] for rows in predictions.values() for row in rows]
    num_faces = sum(len(indices) for indices in counting.values())
    if num_faces == 0:
        return float("nan")
    if not scores:
        return 0.0
    low, high = min(scores), max(scores)
    proposals, found = [0] * num_thresholds, [0] * num_thresholds
    for name, boxes in faces.items():
        rows = sorted(predictions[name], key=lambda row: -row[4])
        if not boxes or not rows:
            continue
        normalised = np.array([(row[4] - low) / (high - low) if high > low else 1.0 for row in rows])
        is_proposal, found_so_far = match_image(rows, boxes, counting[name])
        for t in range(num_thresholds):
            above = np.where(normalised >= 1 - (t + 1) / num_thresholds)[0]
            if len(above):
                last = above[-1]
                proposals[t] += sum(is_proposal[: last + 1])
                found[t] += found_so_far[last]
    recall = [0.0] + [f / num_faces for f in found] + [1.0]
    precision = [0.0] + [f / p if p else 0.0 for f, p in zip(found, proposals, strict=True)] + [0.0]
    for i in range(len(precision) - 1, 0, -1):
        precision[i - 1] = max(precision[i - 1], precision[i])
    return sum((recall[i] - recall[i - 1]) * precision[i] for i in range(1, len(recall)) if recall[i] != recall[i - 1])
