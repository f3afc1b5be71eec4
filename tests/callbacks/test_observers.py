"""Observers see all predictions; the validator gives and gets what it always did."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from ultra_face.callbacks.observers import NO_LIMIT, attach, detach


class Validator:
    """The part of a stock validator that is observed; it notes what reaches it."""

    def __init__(self, max_det=2):
        self.args = SimpleNamespace(max_det=max_det)
        self.limits, self.updates, self.printed = [], [], 0

    def postprocess(self, predictions):
        self.limits.append(self.args.max_det)
        return [{"conf": scores[: self.args.max_det]} for scores in predictions]

    def update_metrics(self, predictions, batch):
        self.updates.append([prediction["conf"].tolist() for prediction in predictions])

    def get_stats(self):
        return {"stock": 1.0}

    def print_results(self):
        self.printed += 1

    def run(self, batches):
        for batch in batches:
            self.update_metrics(self.postprocess(batch), {"name": "batch"})
        stats = self.get_stats()
        self.print_results()
        return stats


class Watcher:
    def __init__(self):
        self.seen, self.told = [], []

    def see(self, prediction, index, batch):
        self.seen.append((index, prediction["conf"].tolist(), batch["name"]))

    def figures(self):
        return {"ours": float(len(self.seen))}

    def tell(self, validator):
        self.told.append(validator)


BATCH = [torch.tensor([3.0, 2, 1]), torch.tensor([5.0])]


@pytest.mark.parametrize(("lift_limit", "first", "limit_inside"), [(True, [3, 2, 1], NO_LIMIT), (False, [3, 2], 2)])
def test_a_whole_validation(lift_limit, first, limit_inside):
    validator, watcher = Validator(), Watcher()
    attach(validator, [watcher], lift_limit=lift_limit)
    assert validator.run([BATCH]) == {"stock": 1.0, "ours": 2.0}
    assert watcher.seen == [(0, first, "batch"), (1, [5], "batch")]
    assert watcher.told == [validator]
    assert validator.limits == [limit_inside]
    assert validator.args.max_det == 2
    assert validator.updates == [[[3, 2], [5]]]  # what the stock figures rest on
    assert validator.printed == 1


def test_after_printing_the_validator_is_its_old_self():
    validator, watcher = Validator(), Watcher()
    attach(validator, [watcher], lift_limit=True)
    validator.run([BATCH])
    assert validator.run([BATCH]) == {"stock": 1.0}
    assert len(watcher.seen) == 2


def test_attaching_again_replaces_the_observers_of_a_run_that_broke_off():
    validator, first, second = Validator(), Watcher(), Watcher()
    attach(validator, [first], lift_limit=True)
    attach(validator, [second], lift_limit=True)
    validator.run([BATCH])
    assert not first.seen
    assert len(second.seen) == 2


def test_the_limit_comes_back_if_postprocessing_fails():
    validator = Validator()
    attach(validator, [], lift_limit=True)
    with pytest.raises(TypeError):
        validator.postprocess([None])
    assert validator.args.max_det == 2


def test_detaching_what_is_not_attached():
    validator = Validator()
    detach(validator)
    assert validator.run([BATCH]) == {"stock": 1.0}
