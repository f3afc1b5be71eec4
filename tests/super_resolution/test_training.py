from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ultra_face.nn.srgan import Discriminator, Generator
from ultra_face.super_resolution.checkpoint import load_generator, read_record
from ultra_face.super_resolution.crops import Batches
from ultra_face.super_resolution.degrade import Degradation
from ultra_face.super_resolution.held_out import draw_face_crops
from ultra_face.super_resolution.trainer import Trainer, TrainingSettings
from ultra_face.super_resolution.training import Training

SETTINGS = TrainingSettings(pixel_steps=4, adversarial_steps=2, evaluate_every=2)


@pytest.fixture
def training(images, crops, tmp_path):
    """Builds a run anew, always with the same start."""

    def build(folder="run", settings=SETTINGS, preview_every=0, data="faces"):
        torch.manual_seed(0)
        lines = []
        run = Training(
            Trainer(Generator(4, 1, 8, light=True), Discriminator(4), settings),
            Batches(images, crops, Degradation(), scale=4, size=2, seed=0),
            draw_face_crops(images, crops, count=2, seed=0),
            tmp_path / folder,
            origin={"data": data},
            preview_every=preview_every,
            report=lines.append,
        )
        run.lines = lines
        return run

    return build


def interrupting(after):
    """A progress that is interrupted once so many batches are done."""

    def progress(batches, total):
        for count, batch in enumerate(batches):
            if count == after:
                raise KeyboardInterrupt
            yield batch

    return progress


def weights(run):
    return run.trainer.state()["generator"] | run.trainer.state()["discriminator"]


def test_files_and_lines(training):
    run = training()
    run.start()
    run.run()
    assert sorted(path.name for path in run.output.iterdir()) == [
        "best-adversarial.pt",
        "best-pixel.pt",
        "last.pt",
        "sheets",
    ]
    assert sorted(path.name for path in (run.output / "sheets").iterdir()) == [
        "adversarial-000006.png",
        "pixel-000004.png",
    ]
    starts = ["bicubic", "pixel step 2", "pixel step 4", "adversarial step 6"]
    assert [line.partition(": ")[0] for line in run.lines] == starts
    assert "antialiased" in run.lines[0]


def test_the_best_generator_says_where_it_comes_from(training):
    run = training()
    run.run()
    for phase, steps in (("pixel", {2, 4}), ("adversarial", {6})):
        record = read_record(run.output / f"best-{phase}.pt")
        assert record["config"]["data"] == "faces"
        assert record["step"] in steps
        assert record["config"]["tile"] == 32
        psnr = np.mean([found["psnr"] for found in record["held_out"].values()])
        assert psnr == pytest.approx(run.best[phase])
    assert load_generator(run.output / "best-pixel.pt").blocks == 1


def test_a_worse_generator_does_not_replace_the_best(training):
    run = training()
    run.best["pixel"] = 99.0
    run.run()
    assert not (run.output / "best-pixel.pt").exists()
    assert (run.output / "best-adversarial.pt").exists()


@pytest.mark.parametrize("after", [1, 3])
def test_an_interrupted_run_goes_on_as_if_it_never_stopped(training, after):
    whole, first = training("whole"), training("parts")
    whole.run()
    with pytest.raises(KeyboardInterrupt):
        first.run(progress=interrupting(after))
    second = training("parts")
    second.resume()
    assert second.done == after
    second.run()
    assert second.done == 6
    assert second.best == whole.best
    torch.testing.assert_close(weights(second), weights(whole), rtol=0, atol=0)


def test_interrupted_in_the_second_phase(training):
    whole, first = training("whole"), training("parts", settings=SETTINGS)
    whole.run()
    phases = iter([interrupting(99), interrupting(1)])
    with pytest.raises(KeyboardInterrupt):
        first.run(progress=lambda batches, total: next(phases)(batches, total))
    second = training("parts")
    second.resume()
    assert second.done == 5
    second.run()
    torch.testing.assert_close(weights(second), weights(whole), rtol=0, atol=0)


def test_a_finished_run_has_nothing_left_to_do(training):
    training().run()
    again = training()
    again.resume()
    again.run()
    assert again.lines == []


def test_previews(training):
    run = training(preview_every=1)
    run.run()
    assert len(list((run.output / "sheets").iterdir())) == 6


def test_a_new_run_does_not_overwrite_another(training):
    training().run()
    with pytest.raises(FileExistsError, match=r"run: expected a folder without a run, got one with last\.pt; resume"):
        training().start()


def test_nothing_to_resume(training):
    with pytest.raises(FileNotFoundError, match=r"last\.pt: expected a run to go on with, got no file"):
        training().resume()


def test_resumed_with_other_settings(training):
    training().run()
    other = training(settings=replace(SETTINGS, pixel_rate=0.5))
    with pytest.raises(ValueError, match=r"last\.pt: expected pixel_rate 0\.5 as asked for, got a run with 0\.001"):
        other.resume()
    with pytest.raises(ValueError, match=r"last\.pt: expected data crowds as asked for, got a run with faces"):
        training(data="crowds").resume()


@pytest.mark.parametrize("content", [b"", b"half a file"])
def test_damaged_state(training, content):
    run = training()
    run.run()
    (run.output / "last.pt").write_bytes(content)
    with pytest.raises(ValueError, match=r"last\.pt: expected the state of a run, got a damaged file; start anew"):
        training().resume()
