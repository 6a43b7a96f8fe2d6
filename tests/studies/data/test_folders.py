"""ImageNet's layout, in small: what is read, when, and what is said of damage."""

import tracemalloc

import numpy as np
import pytest
import torch
from PIL import Image

from studies import vit
from studies.data import folders, load
from studies.engine.loop import train
from studies.engine.sweeps import Options
from tests.studies.stand_ins import SYNSETS, write_imagenet


@pytest.fixture
def images(tmp_path):
    write_imagenet(tmp_path / "imagenet")
    return load("imagenet", tmp_path)


def test_classes_are_the_folders_in_their_order(images):
    assert images.num_classes == 3
    assert len(images.train.paths) == len(images.test.paths) == 12
    assert images.train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    pixels = images.train.read([0, 4, 8], 32)
    assert pixels.shape == (3, 3, 32, 32)
    reds = pixels[:, 0].float().mean((1, 2))
    assert torch.allclose(reds, torch.tensor([20.0, 100.0, 180.0]), atol=4)


def test_the_folder_itself_may_be_given(tmp_path):
    write_imagenet(tmp_path)
    assert load("imagenet", tmp_path).num_classes == 3


def test_crops_are_the_generators_and_lie_within(tmp_path):
    folder = tmp_path / "train" / "a"
    folder.mkdir(parents=True)
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)
    pixels = np.stack([np.tile(ramp, (64, 1))] * 3, axis=-1)
    Image.fromarray(pixels).save(folder / "0.png")
    (tmp_path / "val" / "a").mkdir(parents=True)
    Image.fromarray(pixels).save(tmp_path / "val" / "a" / "0.png")
    part = load("imagenet", tmp_path).train

    def crops(seed):
        return part.read([0] * 40, 16, torch.Generator().manual_seed(seed)).float()

    first = crops(0)
    assert torch.equal(first, crops(0))
    assert not torch.equal(first, crops(1))
    slopes = first[:, 0, 8, 15] - first[:, 0, 8, 0]
    assert 8 < int((slopes < 0).sum()) < 32  # mirrored
    shares = slopes.abs() / 255 * 16 / 15
    assert 0.2 < float(shares.min()) < 0.6 < float(shares.max()) <= 1.02
    whole = part.read([0], 16).float()[0, 0, 8]
    assert float(whole[-1] - whole[0]) == pytest.approx(255 * 0.875 * 15 / 16, abs=6)


def test_reading_a_batch_holds_no_more_than_the_batch(tmp_path):
    write_imagenet(tmp_path, per_class=40)
    part = load("imagenet", tmp_path).train
    part.read([0, 1], 64)  # imports
    tracemalloc.start()
    for start in range(0, 120, 8):
        part.read(range(start, start + 8), 64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 8 * 3 * 64 * 64


def test_a_transformer_trains_on_files(tmp_path):
    write_imagenet(tmp_path / "imagenet")
    config = vit.Config(
        data="imagenet", patch=56, dim=8, depth=1, heads=2, batch=4, steps=2,
        augment=True,
    )  # fmt: skip
    task = vit.task(config, Options("paper", data=tmp_path))
    found = train(task, seed=0, steps=2, probes=(), curvature=())
    assert found.status == "done"
    assert 0 <= found.series["accuracy"][-1][1] <= 1


def test_what_is_missing_or_damaged_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="neither imagenet/train nor train"):
        load("imagenet", tmp_path)
    with pytest.raises(ValueError, match="ImageNet is not for download"):
        load("imagenet")
    write_imagenet(tmp_path)
    broken = tmp_path / "train" / SYNSETS[1] / f"{SYNSETS[1]}_0.JPEG"
    broken.write_bytes(b"\xff\xd8 no more")
    with pytest.raises(ValueError, match=f"{SYNSETS[1]}_0.JPEG is no image"):
        load("imagenet", tmp_path).train.read([4], 16)
    (tmp_path / "val" / "n99").mkdir()
    with pytest.raises(ValueError, match=r"must have the classes of .*, got also n99"):
        folders.read("imagenet", tmp_path)


def test_an_empty_part_is_refused(tmp_path):
    write_imagenet(tmp_path, classes=SYNSETS[:1])
    for path in (tmp_path / "val").glob("*/*.JPEG"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match="has no images in folders of classes"):
        load("imagenet", tmp_path)
