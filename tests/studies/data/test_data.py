"""Data sets: what is built here, and files in the formats of their publishers."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from studies.data import cifar, load, textures
from tests.studies.stand_ins import write_binary

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_binary_versions_are_read(tmp_path, name):
    written, labels = write_binary(tmp_path / cifar.FOLDERS[name], name)
    read = load(name, tmp_path)
    assert read.num_classes == cifar.CLASSES[name]
    assert np.array_equal(read.train_inputs, np.concatenate(written[:-1]))
    assert np.array_equal(read.test_inputs, written[-1])
    assert np.array_equal(read.train_labels, np.concatenate(labels[:-1]))
    assert read.test_labels.dtype == torch.int64


def test_small_images_are_means_of_four_pixels(tmp_path):
    written, _ = write_binary(tmp_path / cifar.FOLDERS["cifar10"], "cifar10")
    small = load("cifar10_16", tmp_path).test_inputs
    by_hand = written[-1].reshape(4, 3, 16, 2, 16, 2).mean(axis=(3, 5))
    assert small.shape == (4, 3, 16, 16)
    assert np.abs(small.numpy() - by_hand).max() <= 0.5


def test_quarter_turns_are_classes_of_the_stand_in(tmp_path):
    written, labels = write_binary(tmp_path / cifar.FOLDERS["cifar10"], "cifar10")
    read = load("cifar10x4", tmp_path)
    assert read.num_classes == 40
    assert read.train_inputs.shape == (4 * 5 * 4, 3, 32, 32)
    for i in range(len(read.test_labels)):
        turns, image = divmod(i, 4)
        assert int(read.test_labels[i]) == 4 * int(labels[-1][image]) + turns
        upright = np.rot90(read.test_inputs[i].numpy(), -turns, axes=(1, 2))
        assert np.array_equal(upright, written[-1][image])


def test_a_truncated_file_is_refused_with_its_name_and_offset(tmp_path):
    folder = tmp_path / cifar.FOLDERS["cifar10"]
    write_binary(folder, "cifar10")
    path = folder / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r"data_batch_3.*at offset 9219, has 3068"):
        load("cifar10", tmp_path)


def test_a_label_that_is_none_is_refused_with_its_offset(tmp_path):
    folder = tmp_path / cifar.FOLDERS["cifar10"]
    write_binary(folder, "cifar10")
    path = folder / "test_batch.bin"
    content = bytearray(path.read_bytes())
    content[2 * 3073] = 10
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"test_batch.*offset 6146 must be 0 to 9"):
        load("cifar10", tmp_path)


def archive(folder, n=6, **changes):
    """Write smooth JPEG images one after the other, with their offsets."""
    arrays, smooth = {}, np.linspace(0, 255, 32 * 32).reshape(32, 32)
    for part in ("train", "test"):
        files = []
        for i in range(n):
            grey = np.roll(smooth, i, axis=0).astype(np.uint8)
            file = io.BytesIO()
            Image.fromarray(np.stack([grey] * 3, axis=-1)).save(file, "JPEG")
            files.append(file.getvalue())
        arrays[f"{part}_jpeg"] = np.frombuffer(b"".join(files), dtype=np.uint8)
        arrays[f"{part}_offsets"] = np.cumsum([0, *map(len, files)])
        arrays[f"{part}_labels"] = np.arange(n) % 10
    np.savez(folder / cifar.JPEG, **{**arrays, **changes})
    return arrays


def test_the_jpeg_archive_is_read(tmp_path):
    archive(tmp_path)
    read = load("cifar10", tmp_path)
    assert read.train_inputs.shape == (6, 3, 32, 32)
    assert read.train_labels.tolist() == list(range(6))
    gap = read.train_inputs[0, 0].double() - torch.linspace(0, 255, 1024).view(32, 32)
    assert gap.abs().mean() < 8  # lossy


def test_damaged_archives_are_refused_with_the_offset(tmp_path):
    arrays = archive(tmp_path)
    start = int(arrays["train_offsets"][2])
    damaged = arrays["train_jpeg"].copy()
    damaged[start : start + 20] = 0
    archive(tmp_path, train_jpeg=damaged)
    with pytest.raises(ValueError, match=f"no JPEG image at offset {start}"):
        cifar.read("cifar10", tmp_path)
    archive(tmp_path, train_jpeg=damaged[:-9])
    with pytest.raises(ValueError, match="is cut off: 6 train images end at offset"):
        cifar.read("cifar10", tmp_path)
    (tmp_path / cifar.JPEG).write_bytes(b"PK")
    with pytest.raises(ValueError, match="is no whole archive"):
        cifar.read("cifar10", tmp_path)


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"data_batch_1\.bin nor cifar10_jpeg"):
        load("cifar10", tmp_path)
    with pytest.raises(ValueError, match="the data sets are digits, textures"):
        load("svhn")


def test_textures_are_the_same_each_time_and_balanced():
    (a, kinds), (b, _) = textures.draw(60, seed=1), textures.draw(60, seed=1)
    assert torch.equal(a, b)
    assert torch.bincount(kinds).tolist() == [6] * 10
    assert not torch.equal(a, textures.draw(60, seed=2)[0])


def test_digits_and_textures_have_disjoint_parts_of_all_classes():
    for name in ("digits", "textures"):
        data = load(name)
        assert data.train_labels.unique().tolist() == list(range(data.num_classes))
        assert data.test_labels.unique().tolist() == list(range(data.num_classes))
        train = {bytes(x.numpy()) for x in data.train_inputs}
        shared = sum(bytes(x.numpy()) in train for x in data.test_inputs)
        assert shared == 0
