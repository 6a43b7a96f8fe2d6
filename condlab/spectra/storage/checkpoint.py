"""One file to take a run up from: a header and numbers, with a digest of both.

``MAGIC``, then a slot, then the body: the length of the header, the header as JSON,
and bytes that it describes. The slot tells how far the body goes, how far it may go
while bytes are being added, and the digest of the body; it has a digest of its own.
Nothing in it is code.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import torch

import condlab
from condlab.machine.ranks import ALONE, Ranks
from condlab.spectra.storage.rows import require_disk
from condlab.types import Json, Record

try:
    import fcntl
except ImportError:  # Windows: nothing keeps a second run away
    fcntl = None  # type: ignore[assignment]

MAGIC = b"condlab-curve-1\n"
SLOT = struct.Struct("<QQ16s16s")  # end, end while adding, digest of body, of slot
LENGTH = struct.Struct("<I")
BODY = len(MAGIC) + SLOT.size
READ = 1 << 20  # bytes read together


@dataclass(slots=True, eq=False)
class Checkpoint:
    """A whole checkpoint, open for more.

    Parameters
    ----------
    path : pathlib.Path
        Of the file.
    header : dict
        What made it, and what it holds.
    start, end : int
        Of the bytes after the header.
    digest : hash
        Of the body up to the end.
    """

    path: Path
    header: Record
    start: int
    end: int
    digest: hashlib.blake2b

    def read(self, place: int, room: memoryview) -> None:
        """Fill a room with the bytes from a place on, counted from the start."""
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.start + place)
            while room:
                count = file.readinto(room)
                if not count:
                    raise damaged(self.path)
                room = room[count:]

    def append(self, data: memoryview) -> None:
        """Add bytes at the end; a kill in between leaves what was there before."""
        with self.path.open("r+b", buffering=0) as file:
            _write_slot(file, self.end, self.end + len(data), self.digest)
            file.seek(self.end)
            _write(file, data)
            os.fsync(file.fileno())
            self.digest.update(data)
            self.end += len(data)
            _write_slot(file, self.end, self.end, self.digest)


def made_by(what: str, **other: Json) -> Record:
    """Return a header: what a checkpoint is of, by which versions, and what else."""
    versions = {"condlab": condlab.__version__, "torch": str(torch.__version__)}
    return {"what": what, **versions, **other}


@contextlib.contextmanager
def held(path: Path, ranks: Ranks = ALONE) -> Iterator[None]:
    """Keep other runs away from a checkpoint, and clear what a killed one left.

    Of several processes the first has the file; what it raises, all raise.

    Raises
    ------
    ValueError
        If another run has it.
    OSError
        If there is no such folder.
    """
    with contextlib.ExitStack() as stack:

        def take() -> None:
            require_disk(path.parent, 0, f"the checkpoint {path.name}")
            stack.enter_context(_locked(path))
            _new(path).unlink(missing_ok=True)

        ranks.agreed(take)
        yield


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    if fcntl is None:
        yield
        return
    lock = path.with_name(path.name + ".lock")
    while True:
        file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise ValueError(
                f"{path} is in use by another run, which holds {lock.name}; wait for "
                "it, or name another file"
            ) from None
        with contextlib.suppress(FileNotFoundError):
            if os.stat(lock).st_ino == os.fstat(file).st_ino:  # noqa: PTH116
                break
        os.close(file)  # the run that had it removed it in between
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(file)


def write(path: Path, header: Record, parts: Iterable[memoryview] = ()) -> Checkpoint:
    """Write a checkpoint, which is whole at every moment, and return it."""
    text = json.dumps(header).encode()
    head = LENGTH.pack(len(text)) + text
    digest, end = _hash(head), BODY + len(head)
    new = _new(path)
    with new.open("wb", buffering=0) as file:
        file.seek(BODY)
        _write(file, memoryview(head))
        for part in parts:
            _write(file, part)
            digest.update(part)
            end += len(part)
        _write_slot(file, end, end, digest)
        os.fsync(file.fileno())
    new.replace(path)
    return Checkpoint(path, header, BODY + len(head), end, digest)


def read(path: Path, wanted: Record) -> Checkpoint:
    """Return the checkpoint in a file, once every byte of it is known to be right.

    Parameters
    ----------
    path : pathlib.Path
        Of the file.
    wanted : dict
        What its header must say; it may say more.

    Raises
    ------
    ValueError
        If the file is none, is damaged or cut, or another run's.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ValueError(
                f"{path} is no checkpoint of a curvature run; name another file"
            )
        end, most, known = _slot(path, file.read(SLOT.size))
        size = os.fstat(file.fileno()).st_size
        # while bytes are being added there may be more than is known to be right
        if not (end <= size <= most and end >= BODY + LENGTH.size):
            raise damaged(path)
        digest, left = _hash(), end - BODY
        while left:
            digest.update(part := file.read(min(READ, left)))
            left -= len(part)
        if digest.digest() != known:
            raise damaged(path)
        file.seek(BODY)
        (length,) = LENGTH.unpack(file.read(LENGTH.size))
        header = json.loads(file.read(length))
    _require_same(path, header, wanted)
    if size > end:
        os.truncate(path, end)
    return Checkpoint(path, header, BODY + LENGTH.size + length, end, digest)


def damaged(path: Path) -> ValueError:
    """Return what is said of a file that is not what was written."""
    return ValueError(
        f"{path} is damaged: it is not what was written to it; remove it to start "
        "anew, or name another file"
    )


def foreign(path: Path, why: str) -> ValueError:
    """Return what is said of another run's checkpoint."""
    return ValueError(
        f"{path} is the checkpoint of another operator or run ({why}); name another "
        "file, or remove it to start anew"
    )


def _require_same(path: Path, found: Record, wanted: Record) -> None:
    for name, value in wanted.items():
        if found.get(name) != value:
            raise foreign(path, f"{name} {found.get(name)} there, {value} here")


def _slot(path: Path, raw: bytes) -> tuple[int, int, bytes]:
    if len(raw) != SLOT.size:
        raise damaged(path)
    end, most, known, own = SLOT.unpack(raw)
    if own != _hash(MAGIC + raw[: -len(own)]).digest():
        raise damaged(path)
    return end, most, known


def _write_slot(file: FileIO, end: int, most: int, digest: hashlib.blake2b) -> None:
    known = digest.digest()
    own = _hash(MAGIC + SLOT.pack(end, most, known, b"")[: -len(known)]).digest()
    file.seek(0)
    _write(file, memoryview(MAGIC + SLOT.pack(end, most, known, own)))


def _write(file: FileIO, data: memoryview) -> None:
    while data:
        data = data[file.write(data) :]


def _hash(data: bytes = b"") -> hashlib.blake2b:
    return hashlib.blake2b(data, digest_size=16)


def _new(path: Path) -> Path:
    return path.with_name(path.name + ".new")
