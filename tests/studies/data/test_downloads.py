"""Downloads, from a server on this machine that stands in for the publishers'."""

import gzip
import hashlib
import io
import struct
import tarfile

import numpy as np
import pytest

from studies.data import downloads, load
from studies.data.cifar import FOLDERS, TEST, TRAIN
from studies.data.downloads import IDX, SOURCES, fetch
from tests.servers import serving


def cifar_archive(path):
    """Write an archive of the binary version, with one image a file."""
    with tarfile.open(path, "w:gz") as tar:
        names = (*TRAIN["cifar10"], *TEST["cifar10"], "../escaped.bin")
        for i, name in enumerate(names):
            content = bytes([i]) + bytes(3072)
            info = tarfile.TarInfo(f"{FOLDERS['cifar10']}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def idx_files(folder):
    images = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)
    arrays = (images, np.array([3, 9], dtype=np.uint8)) * 2
    for name, array in zip(IDX, arrays, strict=True):
        head = bytes([0, 0, 8, array.ndim]) + struct.pack(
            f">{array.ndim}I", *array.shape
        )
        (folder / name).write_bytes(gzip.compress(head + array.tobytes()))


def published(folder, address, *names):
    return {
        f"{address}/{name}": hashlib.md5((folder / name).read_bytes()).hexdigest()
        for name in names
    }


@pytest.fixture
def server(tmp_path, monkeypatch):
    folder = tmp_path / "server"
    folder.mkdir()
    cifar_archive(folder / "cifar-10-binary.tar.gz")
    idx_files(folder)
    with serving(folder) as address:
        known = {
            "cifar10": published(folder, address, "cifar-10-binary.tar.gz"),
            "mnist": published(folder, address, *IDX),
        }
        monkeypatch.setattr(downloads, "SOURCES", known)
        yield folder


def test_an_archive_is_fetched_once_and_only_its_own_files_unpacked(server, tmp_path):
    folder = fetch("cifar10", tmp_path / "cache")
    found = load("cifar10", folder)
    assert found.train_labels.tolist() == [0, 1, 2, 3, 4]
    assert found.test_labels.tolist() == [5]
    assert not list(tmp_path.rglob("escaped.bin"))
    (server / "cifar-10-binary.tar.gz").unlink()
    assert fetch("cifar10", tmp_path / "cache") == folder


def test_compressed_arrays_are_read_as_they_came(server, tmp_path):
    found = load("mnist", fetch("mnist", tmp_path))
    assert found.train_labels.tolist() == [3, 9]
    assert found.test_inputs.shape == (2, 1, 28, 28)


def test_a_file_that_is_not_the_published_one_is_refused(server, tmp_path):
    (server / IDX[0]).write_bytes(b"something else")
    with pytest.raises(OSError, match=f"could not download mnist from .*{IDX[0]}"):
        fetch("mnist", tmp_path)
    assert not list(tmp_path.glob("train-images*"))


def test_without_a_network_it_is_said_what_was_tried(server, tmp_path):
    for file in server.iterdir():
        file.unlink()
    with pytest.raises(OSError, match=r"404.*get it by hand, and say where.*--data"):
        fetch("cifar10", tmp_path)


def test_every_data_set_that_is_published_has_a_checksum_a_file():
    assert {name: len(files) for name, files in SOURCES.items()} == {
        "cifar10": 1,
        "cifar100": 1,
        "mnist": 4,
        "fashion": 4,
    }
    digests = [digest for files in SOURCES.values() for digest in files.values()]
    assert len(set(digests)) == len(digests)
    assert all(len(bytes.fromhex(digest)) == 16 for digest in digests)
