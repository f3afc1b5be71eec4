"""Observers see all predictions; the validator gives and gets what it always did."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from ultra_face.plugin.callbacks.observers import NO_LIMIT, attach, detach


class Validator:
    """The part of a stock validator that is observed; it notes what reaches it."""

    def __init__(self, max_det=2):
        self.args = SimpleNamespace(max_det=max_det)
        self.limits, self.updates, self.printed, self.models = [], [], 0, []

    def init_metrics(self, model):
        self.models.append(model)

    def postprocess(self, predictions):
        self.limits.append(self.args.max_det)
        return [{"conf": scores[: self.args.max_det]} for scores in predictions]

    def update_metrics(self, predictions, batch):
        self.updates.append([prediction["conf"].tolist() for prediction in predictions])

    def get_stats(self):
        return {"stock": 1.0}

    def print_results(self):
        self.printed += 1

    def run(self, batches, model="network"):
        self.init_metrics(model)
        for batch in batches:
            self.update_metrics(self.postprocess(batch), {"name": "batch"})
        stats = self.get_stats()
        self.print_results()
        return stats


class Watcher:
    worst = {"ours": -1.0}  # noqa: RUF012  (as an observer has it)

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
    attach(validator, lambda model: [watcher], lift_limit=lift_limit)
    assert validator.run([BATCH]) == {"stock": 1.0, "ours": 2.0}
    assert watcher.seen == [(0, first, "batch"), (1, [5], "batch")]
    assert watcher.told == [validator]
    assert validator.limits == [limit_inside]
    assert validator.args.max_det == 2
    assert validator.updates == [[[3, 2], [5]]]  # what the stock figures rest on
    assert validator.printed == 1


def test_after_printing_the_validator_is_its_old_self():
    validator, watcher = Validator(), Watcher()
    attach(validator, lambda model: [watcher], lift_limit=True)
    validator.run([BATCH])
    assert validator.run([BATCH]) == {"stock": 1.0}
    assert len(watcher.seen) == 2


def test_attaching_again_replaces_the_observers_of_a_run_that_broke_off():
    validator, first, second = Validator(), Watcher(), Watcher()
    attach(validator, lambda model: [first], lift_limit=True)
    attach(validator, lambda model: [second], lift_limit=True)
    validator.run([BATCH])
    assert not first.seen
    assert len(second.seen) == 2


def test_the_limit_comes_back_if_postprocessing_fails():
    validator = Validator()
    attach(validator, lambda model: [Watcher()], lift_limit=True)
    with pytest.raises(TypeError):
        validator.postprocess([None])
    assert validator.args.max_det == 2


def test_the_observers_suit_the_model_that_the_validator_runs():
    validator, watcher = Validator(), Watcher()
    attach(validator, lambda model: [watcher] if model == "ours" else [], lift_limit=True)
    assert validator.run([BATCH], model="stock") == {"stock": 1.0}
    assert validator.limits == [2]  # as if nobody had attached anything
    assert not watcher.seen
    attach(validator, lambda model: [watcher] if model == "ours" else [], lift_limit=True)
    assert validator.run([BATCH], model="ours") == {"stock": 1.0, "ours": 2.0}
    assert validator.models == ["stock", "ours"]


class Failing(Watcher):
    """Fails in one of its methods."""

    def __init__(self, method, error=None):
        super().__init__()
        self.error = error or ZeroDivisionError("no such thing")
        setattr(self, method, self.fail)

    def fail(self, *arguments):
        raise self.error


@pytest.mark.parametrize("method", ["see", "figures", "tell"])
def test_an_observer_that_fails_is_left_out_and_named_once(method, caplog):
    validator, watcher = Validator(), Watcher()
    for _ in range(2):  # two epochs
        attach(validator, lambda model: [Failing(method), watcher], lift_limit=True)
        stats = validator.run([BATCH])
    # The other observer has seen two images in each run, and the stock figures are there.
    assert stats == {"stock": 1.0, "ours": 4.0}
    assert validator.printed == 2
    warning = "ultra-face: Failing failed and is left out, the run goes on. ZeroDivisionError: no such thing"
    assert caplog.text.count(warning) == 1


def test_an_observer_that_fails_leaves_the_worst_value_in_its_column():
    validator = Validator()
    attach(validator, lambda model: [Failing("see")], lift_limit=True)
    assert validator.run([BATCH]) == {"stock": 1.0, "ours": -1.0}


@pytest.mark.parametrize("method", ["see", "figures", "tell"])
def test_an_observer_that_is_interrupted_interrupts(method):
    validator = Validator()
    attach(validator, lambda model: [Failing(method, KeyboardInterrupt())], lift_limit=True)
    with pytest.raises(KeyboardInterrupt):
        validator.run([BATCH])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_figure_that_is_no_number_is_the_worst_and_said_once(value, caplog):
    validator, watcher = Validator(), Watcher()
    watcher.figures = lambda: {"ours": value}
    for _ in range(2):
        attach(validator, lambda model: [watcher], lift_limit=True)
        assert validator.run([BATCH]) == {"stock": 1.0, "ours": -1.0}
    assert caplog.text.count("ours: no figure, since no face was there to measure; -1 stands for it") == 1


def test_detaching_what_is_not_attached():
    validator = Validator()
    detach(validator)
    assert validator.run([BATCH]) == {"stock": 1.0}
