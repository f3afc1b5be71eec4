"""The recipes of cfg/train hold settings that Ultralytics knows, and the numbers of the papers."""

from __future__ import annotations

from pathlib import Path

import pytest
from ultralytics.cfg import get_cfg
from ultralytics.utils import DEFAULT_CFG_DICT, YAML

RECIPES = Path(__file__).resolve().parents[2] / "cfg" / "train"


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.yaml")), ids=lambda file: file.stem)
def test_ultralytics_accepts_a_recipe(recipe: Path) -> None:
    assert set(YAML.load(recipe)) <= set(DEFAULT_CFG_DICT)
    settings = get_cfg(recipe)
    assert (settings.task, settings.mode) == ("pose", "train")


def test_sr_yolov5() -> None:
    # "Initial learning rate at 1E-2, ... down to 1E-5 with the decay rate of 5E-3. ... Momentum at 0.8 in the first 20
    # epochs. After that, the momentum is 0.937."
    recipe = get_cfg(RECIPES / "yolov5-sr.yaml")
    assert (recipe.lr0, recipe.lr0 * recipe.lrf, recipe.weight_decay) == (0.01, pytest.approx(1e-5), 0.005)
    assert (recipe.warmup_momentum, recipe.warmup_epochs, recipe.momentum) == (0.8, 20, 0.937)


def test_shipped() -> None:
    # The card: AdamW 1e-3, 3 % warm-up, cosine to 1 %, weight decay 0.02, batch 128, gains box 7.5, pose 24, cls 0.5.
    recipe = get_cfg(RECIPES / "shipped.yaml")
    assert (recipe.optimizer, recipe.lr0, recipe.lrf, recipe.cos_lr) == ("AdamW", 1e-3, 0.01, True)
    assert (recipe.box, recipe.pose, recipe.cls, recipe.imgsz, recipe.mosaic) == (7.5, 24, 0.5, 640, 0.5)
    assert recipe.warmup_epochs / recipe.epochs == pytest.approx(0.03)
    assert round(recipe.time * 3600) == pytest.approx(683, abs=2)
    # Ultralytics decays by weight_decay x batch x accumulate / nbs, and gathers round(nbs / batch) batches for a step.
    assert recipe.weight_decay * recipe.batch / recipe.nbs == 0.02
    assert round(recipe.nbs / recipe.batch) == 1
