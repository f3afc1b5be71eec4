"""A trained detector with refinement: its head wrapped, a trained generator put in, settings changed.

Training afterwards keeps it: the model's YAML inside the checkpoint names the wrapped head and its `sr:` block.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from ultralytics.nn import tasks

from ultra_face.callbacks.face_model import face_model
from ultra_face.data.output_folder import replacing
from ultra_face.heads.refined import Refined
from ultra_face.nn.srgan import Generator
from ultra_face.refinement.settings import RefinementSettings
from ultra_face.super_resolution.checkpoint import architecture, load_generator

WRAPPED = {"AnchorPose": "SRPose", "FacePose": "SRFacePose", "SRPose": "SRPose", "SRFacePose": "SRFacePose"}


def write_refined(
    detector: Path, output: Path, *, generator: Path | None = None, settings: Mapping[str, Any] | None = None
) -> None:
    """Write a detector with refinement; the detector's own file stays as it is.

    Args:
        detector: checkpoint of a face model with a head of ultra-face.
        output: the new checkpoint.
        generator: checkpoint of a generator; by default the detector keeps its own, or enlarges by interpolation.
        settings: changes to the `sr:` block.

    Raises:
        FileNotFoundError: the detector or the generator is missing.
        FileExistsError: `output` exists.
        ValueError: no face model, no generator, or settings that do not fit each other.
    """
    if output.exists():
        raise FileExistsError(f"{output}: expected a new file, got an existing one; choose another name, or remove it")
    if not detector.is_file():
        raise FileNotFoundError(f"{detector}: expected the checkpoint of a face model, got no file; check the path")
    plain, checkpoint = tasks.load_checkpoint(detector)
    model = refine_model(plain, generator=load_generator(generator) if generator else None, settings=settings)
    content = checkpoint | {"model": model.half(), "ema": None, "optimizer": None}
    with replacing(output) as partial:
        torch.save(content, partial)


def refine_model(model: Any, *, generator: Generator | None = None, settings: Mapping[str, Any] | None = None) -> Any:
    """A copy of a face model with refinement.

    Args:
        model: a model that ends in a head of ultra-face.
        generator: what is to enlarge; by default the model's own, or interpolation.
        settings: changes to the `sr:` block; scale, blocks, width and light follow the generator.

    Raises:
        ValueError: see `write_refined`.
    """
    if face_model(model) is None:
        raise ValueError(
            f"expected a model that ends in one of {', '.join(WRAPPED)}, got {type(model.model[-1]).__name__}; "
            "train one of cfg/models/"
        )
    head = model.model[-1]
    before = head.sr if isinstance(head, Refined) else RefinementSettings(blocks=0)
    chosen = architecture(generator) if generator is not None else {}
    fixed = sorted(set(settings or {}) & set(chosen))
    if fixed:
        raise ValueError(f"sr: {', '.join(fixed)}: expected the generator's own, got a setting; leave it out")
    sr = before.changed(**{**(settings or {}), **chosen})

    description = copy.deepcopy(model.yaml)
    source, repeats, name, arguments = description["head"][-1]
    plain = arguments[:-1] if isinstance(head, Refined) else arguments
    description["head"][-1] = [source, repeats, WRAPPED[name], [*plain, "sr"]]
    description["sr"] = sr.as_yaml()
    refined = tasks.PoseModel(description, ch=description.get("channels", 3), nc=description["nc"], verbose=False)
    own = {key: value for key, value in model.state_dict().items() if generator is None or ".generator." not in key}
    missing, unexpected = refined.load_state_dict(own, strict=False)
    problems = [key for key in (*missing, *unexpected) if ".generator." not in key]
    if problems:
        raise ValueError(f"expected weights that fit the model's own YAML, got others: {', '.join(problems[:3])}")
    if generator is not None:
        refined.model[-1].generator.load_state_dict(generator.state_dict())
    refined.names, refined.args, refined.task = model.names, model.args, "pose"
    return refined.eval()


def setting(text: str) -> tuple[str, Any]:
    """`KEY=VALUE` of a command line, the value as YAML reads it."""
    key, _, value = text.partition("=")
    return key, yaml.safe_load(value)
