"""Public data sets, downloaded once, with their publishers' checksums."""

from __future__ import annotations

import logging
import tarfile
from pathlib import Path
from types import MappingProxyType

from condlab.errors import missing_extra
from studies.data.cifar import FOLDERS, TEST, TRAIN

CIFAR = "https://www.cs.toronto.edu/~kriz"
MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"
FASHION = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"
IDX = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)

# Addresses of the files of a data set, and their MD5 sums as published with them.
SOURCES = MappingProxyType({
    "cifar10": {
        f"{CIFAR}/cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530",
    },
    "cifar100": {
        f"{CIFAR}/cifar-100-binary.tar.gz": "03b5dce01913d631647c71ecec9e9cb8",
    },
    "mnist": dict(zip(
        [f"{MNIST}/{name}" for name in IDX],
        [
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ],
        strict=True,
    )),
    "fashion": dict(zip(
        [f"{FASHION}/{name}" for name in IDX],
        [
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ],
        strict=True,
    )),
})  # fmt: skip


def fetch(name: str, cache: Path | None = None) -> Path:
    """Return the folder of a data set's files, downloaded unless they are there.

    Parameters
    ----------
    name : {"cifar10", "cifar100", "mnist", "fashion"}
        Which.
    cache : pathlib.Path, optional
        Where folders are kept; by default the user's cache.

    Raises
    ------
    OSError
        If a file cannot be had, or is not the one that was published.
    condlab.errors.MissingExtraError
        If pooch is not installed.
    """
    try:
        import pooch
    except ModuleNotFoundError as error:
        raise missing_extra("pooch", "studies", f"downloading {name}") from error
    pooch.get_logger().setLevel(logging.ERROR)  # one line from us, not a log
    folder = (cache or Path(pooch.os_cache("condlab"))) / name
    for url, digest in SOURCES[name].items():
        try:
            got = pooch.retrieve(url, f"md5:{digest}", url.rsplit("/", 1)[-1], folder)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise OSError(
                f"could not download {name} from {url} ({why}); get it by hand, and "
                "say where it is with --data DIR"
            ) from error
        if got.endswith(".tar.gz"):
            _unpack(Path(got), folder / FOLDERS[name], TRAIN[name] + TEST[name])
    return folder


def _unpack(archive: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Copy the files that are wanted, and nothing else, whatever the archive says."""
    missing = [name for name in names if not (folder / name).exists()]
    if not missing:
        return
    folder.mkdir(exist_ok=True)
    with tarfile.open(archive) as tar:
        for name in missing:
            member = tar.extractfile(f"{folder.name}/{name}")
            if member is None:
                raise OSError(f"{archive} has no file {folder.name}/{name}")
            new = folder / f"{name}.new"
            new.write_bytes(member.read())
            new.replace(folder / name)
