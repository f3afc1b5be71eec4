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

from ultra_face.callbacks.face_model import face_model
from ultra_face.data.output_folder import replacing
from ultra_face.heads.anchor_pose import AnchorPose
from ultra_face.heads.refined import Refined
from ultra_face.nn.srgan import Generator
from ultra_face.open_model import open_checkpoint
from ultra_face.refinement.settings import RefinementSettings
from ultra_face.super_resolution.checkpoint import architecture, load_generator

SUFFIX = ".pt"  # of a checkpoint, by which Ultralytics knows it
WRAPPED = {"AnchorPose": "SRPose", "FacePose": "SRFacePose", "SRPose": "SRPose", "SRFacePose": "SRFacePose"}
SET_BY_THE_TRAINER = ("names", "args", "kpt_shape", "kpt_names", "kpt_oks_sigmas")
OF_AN_UNFINISHED_RUN = ("ema", "updates", "optimizer", "scaler", "stopper")  # which Ultralytics would resume


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
        ValueError: no face model, no generator, settings that do not fit each other, or a file that is no `.pt`.
    """
    if output.suffix.lower() != SUFFIX:
        raise ValueError(
            f"{output}: expected a name that ends in {SUFFIX}, got {output.suffix or 'no ending'}; write that, then "
            "export it with `yolo export`"
        )
    if output.exists():
        raise FileExistsError(f"{output}: expected a new file, got an existing one; choose another name, or remove it")
    trained = open_checkpoint(detector)
    loaded = load_generator(generator) if generator is not None else None
    model = refine_model(trained.model, generator=loaded, settings=settings)
    content = trained.ckpt | dict.fromkeys(OF_AN_UNFINISHED_RUN) | {"epoch": -1, "model": model.half()}
    with replacing(output) as partial:
        torch.save(content, partial)


def refine_model(model: Any, *, generator: Generator | None = None, settings: Mapping[str, Any] | None = None) -> Any:
    """A copy of a face model with refinement.

    Args:
        model: a model that ends in a head of ultra-face.
        generator: what is to enlarge; by default the model's own, or interpolation.
        settings: changes to the `sr:` block. Scale, blocks, width and light follow the generator; without a new one,
            `blocks` of 0 replaces the model's own by interpolation.

    Raises:
        ValueError: see `write_refined`.
    """
    if face_model(model) is None:
        raise ValueError(
            f"expected a model that ends in one of {', '.join(WRAPPED)}, got {type(model.model[-1]).__name__}; "
            "train one of cfg/models/"
        )
    head, changes = model.model[-1], dict(settings or {})
    before = head.sr if isinstance(head, Refined) else RefinementSettings(blocks=0)
    enlarges = _own_generator(head, changes) if generator is None else generator
    chosen = {} if enlarges is None else architecture(enlarges)
    fixed = sorted(changes.keys() & chosen.keys())
    if fixed:
        raise ValueError(
            f"sr: {', '.join(fixed)}: expected the generator's own, got a setting; leave it out, or change generators"
        )
    sr = before.changed(**{**changes, **chosen})

    description = copy.deepcopy(model.yaml)
    if isinstance(head, AnchorPose):
        head.describe_anchors(description)
    source, repeats, name, arguments = description["head"][-1]
    plain = arguments[:-1] if isinstance(head, Refined) else arguments
    description["head"][-1] = [source, repeats, WRAPPED[name], [*plain, "sr"]]
    description["sr"] = sr.as_yaml()
    refined = type(model)(description, ch=description.get("channels", 3), nc=description["nc"], verbose=False)
    own = {key: value for key, value in model.state_dict().items() if not _is_generators(key)}
    new = {key: value for key, value in refined.state_dict().items() if _is_generators(key)}
    try:
        refined.load_state_dict(own | new)
    except RuntimeError as error:
        raise ValueError(
            "expected weights that fit the model's own YAML, got others; a fused model, for one, cannot be changed"
        ) from error
    if enlarges is not None:
        refined.model[-1].generator.load_state_dict(enlarges.state_dict())
    refined.task = "pose"
    for name in SET_BY_THE_TRAINER:
        if hasattr(model, name):
            setattr(refined, name, getattr(model, name))
    return refined.eval()


def _own_generator(head: Any, changes: Mapping[str, Any]) -> Generator | None:
    """The generator that a head has already, unless it is to be replaced by interpolation."""
    own = head.generator if isinstance(head, Refined) else None
    return own if isinstance(own, Generator) and changes.get("blocks") != 0 else None


def _is_generators(key: str) -> bool:
    """Whether a weight of the model belongs to its generator."""
    return ".generator." in key


def setting(text: str) -> tuple[str, Any]:
    """`KEY=VALUE` of a command line, the value as YAML reads it.

    Raises:
        ValueError: no `=`, or a value that is no YAML.
    """
    key, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"--set: expected KEY=VALUE, got {text!r}; write for example windows=32")
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ValueError(
            f"--set: {key}: expected a value as in YAML, got {value!r}; quote lists: 'doubt=[0.1, 0.5]'"
        ) from error
