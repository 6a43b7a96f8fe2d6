"""MNIST's format, plain and compressed, whole and damaged."""

import gzip
import struct

import numpy as np
import pytest

from studies.data import load
from studies.data.idx import read_array

RNG = np.random.default_rng(0)


def idx(array):
    """Return a file as MNIST's page describes it."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


def write(folder, compressed=False):
    folder.mkdir()
    made = {}
    for part, n in (("train", 6), ("t10k", 3)):
        images = RNG.integers(256, size=(n, 28, 28), dtype=np.uint8)
        labels = RNG.integers(10, size=n, dtype=np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            name = f"{part}-{kind}-ubyte"
            content = idx(array)
            if compressed:
                name, content = f"{name}.gz", gzip.compress(content)
            (folder / name).write_bytes(content)
            made[part, kind] = array
    return made


@pytest.mark.parametrize(
    ("name", "folder"), [("mnist", "mnist"), ("fashion", "fashion-mnist")]
)
@pytest.mark.parametrize("compressed", [False, True])
def test_idx_files_are_read(tmp_path, name, folder, compressed):
    made = write(tmp_path / folder, compressed)
    read = load(name, tmp_path)
    assert read.train_inputs.shape == (6, 1, 28, 28)
    assert np.array_equal(read.test_inputs[:, 0], made["t10k", "images-idx3"])
    assert np.array_equal(read.train_labels, made["train", "labels-idx1"])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b[:-1], r"must end at offset 800,.*ends at 799"),
        (lambda b: b + b"\0", r"must end at offset 800,.*ends at 801"),
        (lambda b: b[:9], r"cut off at offset 9, in a header of 16 bytes"),
        (lambda b: b"\0\0\x0d" + b[3:], r"at offset 0 must be 0x00000803"),
    ],
)
def test_damaged_files_are_refused_with_name_and_offset(tmp_path, damage, message):
    path = tmp_path / "images"
    path.write_bytes(damage(idx(np.zeros((1, 28, 28), dtype=np.uint8))))
    with pytest.raises(ValueError, match=f"images.*{message}"):
        read_array(path, 3)


def test_a_truncated_gzip_file_is_refused(tmp_path):
    path = tmp_path / "images.gz"
    noise = RNG.integers(256, size=(4, 28, 28), dtype=np.uint8)
    path.write_bytes(gzip.compress(idx(noise))[:-20])
    with pytest.raises(ValueError, match=r"images.gz is no whole gzip file"):
        read_array(path, 3)


def test_wrong_labels_are_refused(tmp_path):
    write(tmp_path / "mnist")
    path = tmp_path / "mnist" / "t10k-labels-idx1-ubyte"
    path.write_bytes(idx(np.array([1, 2, 10], dtype=np.uint8)))
    with pytest.raises(ValueError, match=r"t10k-labels.*offset 10 must be 0 to 9"):
        load("mnist", tmp_path)
    path.write_bytes(idx(np.array([1, 2], dtype=np.uint8)))
    with pytest.raises(ValueError, match=r"each of the 3 images.*got 2"):
        load("mnist", tmp_path)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train-images-idx3-ubyte"):
        load("fashion", tmp_path)


def test_the_test_part_of_mnist_alone_is_cut_in_two(tmp_path):
    made = write(tmp_path / "mnist10k")
    for path in (tmp_path / "mnist10k").glob("train-*"):
        path.unlink()
    read = load("mnist10k", tmp_path)
    assert (len(read.train_inputs), len(read.test_inputs)) == (2, 1)
    both = np.concatenate([read.train_inputs, read.test_inputs])[:, 0]
    labels = np.concatenate([read.train_labels, read.test_labels])
    images = made["t10k", "images-idx3"]
    places = [int(np.flatnonzero((images == image).all((1, 2)))[0]) for image in both]
    assert sorted(places) == [0, 1, 2]
    assert np.array_equal(labels, made["t10k", "labels-idx1"][places])
