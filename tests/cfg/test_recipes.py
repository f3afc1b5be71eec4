"""The recipes of cfg/train hold settings that Ultralytics knows, and the numbers of the papers."""

from __future__ import annotations

from pathlib import Path

import pytest
from ultralytics.cfg import get_cfg

RECIPES = Path(__file__).resolve().parents[2] / "cfg" / "train"


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.yaml")), ids=lambda file: file.stem)
def test_ultralytics_accepts_a_recipe(recipe: Path) -> None:
    settings = get_cfg(recipe)
    assert (settings.task, settings.mode) == ("pose", "train")


def test_sr_yolov5() -> None:
    # "Initial learning rate at 1E-2, ... down to 1E-5 with the decay rate of 5E-3. ... Momentum at 0.8 in the first 20
    # epochs. After that, the momentum is 0.937."
    recipe = get_cfg(RECIPES / "yolov5-sr.yaml")
    assert (recipe.lr0, recipe.lr0 * recipe.lrf, recipe.weight_decay) == (0.01, pytest.approx(1e-5), 0.005)
    assert (recipe.warmup_momentum, recipe.warmup_epochs, recipe.momentum) == (0.8, 20, 0.937)
