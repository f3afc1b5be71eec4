from __future__ import annotations

import pytest
import torch
from torch import nn

from ultra_face.nn.srgan import Generator
from ultra_face.super_resolution.checkpoint import load_generator, read_record, save_generator

IMAGE = torch.rand(1, 3, 6, 5, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "runs" / "generator.pt"


@pytest.mark.parametrize(
    "arguments",
    [{"scale": 2, "blocks": 1, "width": 4}, {"scale": 4, "blocks": 2, "width": 8, "light": True}],
    ids=["standard", "light"],
)
def test_saved_and_loaded(file, arguments):
    generator = Generator(**arguments).train()
    nn.init.normal_(generator.exit[0].weight)
    generator(IMAGE)  # the norms have statistics of their own
    save_generator(file, generator, seed=3, data="faces")
    loaded = load_generator(file)
    assert loaded.architecture == {"light": False} | arguments
    assert not loaded.training
    torch.testing.assert_close(loaded(IMAGE), generator.eval()(IMAGE), rtol=0, atol=0)
    assert read_record(file) == {"seed": 3, "data": "faces"}


def test_loaded_in_float32(file, generator):
    save_generator(file, generator.half())
    assert {value.dtype for value in load_generator(file).parameters()} == {torch.float32}


def test_the_old_file_stays_until_the_new_one_is_complete(file, generator, monkeypatch):
    save_generator(file, generator, seed=1)

    def interrupted(content, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_generator(file, generator, seed=2)
    assert read_record(file) == {"seed": 1}
    assert list(file.parent.iterdir()) == [file]


def test_a_fused_generator_is_not_saved(file, generator):
    with pytest.raises(ValueError, match=r"generator\.pt: expected a generator as it was trained, got a fused one"):
        save_generator(file, generator.fuse())


def test_no_file(file):
    with pytest.raises(FileNotFoundError, match=r"generator\.pt: expected a generator checkpoint, got no file"):
        load_generator(file)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_checkpoint(tmp_path, content):
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.pt: expected a generator checkpoint, got a file of another kind"):
        load_generator(tmp_path / "a.pt")


@pytest.mark.parametrize("content", [{"model": 1}, [1, 2], nn.Conv2d(3, 3, 3)])
def test_a_checkpoint_of_something_else(tmp_path, content):
    torch.save(content, tmp_path / "best.pt")
    with pytest.raises(ValueError, match=r"best\.pt: expected a generator checkpoint, got a file of another kind"):
        load_generator(tmp_path / "best.pt")


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"width": 16}, "size mismatch"), ({"scale": 3}, "scale: expected a power of two"), ({"depth": 1}, "depth")],
)
def test_weights_of_another_shape(file, generator, change, reason):
    save_generator(file, generator)
    content = torch.load(file, weights_only=True)
    content["architecture"] |= change
    torch.save(content, file)
    with pytest.raises(ValueError, match=rf"generator\.pt: expected weights that fit .*{reason}") as error:
        load_generator(file)
    assert "\n" not in str(error.value)
