"""Tensors of a safetensors file, read one at a time; no library of theirs is needed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}
LONGEST = 100_000_000  # bytes of a header, by the format


@dataclass(frozen=True, slots=True)
class Header:
    """Where a tensor is, and what it is there."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


class Tensors(Mapping[str, Tensor]):
    """The tensors of one or more files, each read when it is asked for.

    Attributes
    ----------
    headers : dict of str to Header
        Of what can be read, in `refused` why the others cannot, and in `dtypes` the
        types of all.
    """

    def __init__(self, headers: Mapping[str, Header]) -> None:
        self.headers = {n: h for n, h in headers.items() if h.dtype in DTYPES}
        self.dtypes = {name: h.dtype for name, h in headers.items()}
        self.refused = {
            name: f"is stored as {h.dtype}, which may be codes of a quantisation and "
            "not weights"
            for name, h in headers.items()
            if h.dtype not in DTYPES and len(h.shape) > 1
        }

    def __getitem__(self, name: str) -> Tensor:
        header = self.headers[name]
        # Not mapped: pages that were read would count as this process's memory.
        data = bytearray(header.stop - header.start)
        with header.path.open("rb") as file:
            file.seek(header.start)
            if file.readinto(data) != len(data):
                raise ValueError(f"{header.path} ended while {name} was read")
        if not data:
            return torch.empty(header.shape, dtype=DTYPES[header.dtype])
        flat = torch.frombuffer(data, dtype=DTYPES[header.dtype])
        return flat.reshape(header.shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self.headers)

    def __len__(self) -> int:
        return len(self.headers)


def open_safetensors(path: Path) -> Tensors:
    """Return the tensors of a file, after a look at its header alone."""
    return Tensors(_headers(path))


def open_sharded(index: Path) -> Tensors:
    """Return the tensors of all the files that an index names."""
    try:
        places = json.loads(index.read_text())["weight_map"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f'{index} must be JSON with a "weight_map" from names of tensors to files'
        ) from None
    good = isinstance(places, dict) and all(
        isinstance(place, str) and Path(place).name == place
        for place in places.values()
    )
    if not good:
        raise ValueError(f"{index} must name files beside it in its weight_map")
    shards: dict[str, dict[str, Header]] = {}
    for place in places.values():
        if not place.endswith(".safetensors"):
            raise ValueError(
                f"{index} names {place}, and only shards in .safetensors can be read a "
                "tensor at a time; give the shards one by one, or convert them"
            )
        if place not in shards:
            if not (index.parent / place).is_file():
                raise ValueError(f"{index} names {place}, and there is no such file")
            shards[place] = _headers(index.parent / place)
    found = {}
    for name, place in places.items():
        if name not in shards[place]:
            raise ValueError(f"{index} says that {place} holds {name}, and it does not")
        found[name] = shards[place][name]
    return Tensors(found)


def _headers(path: Path) -> dict[str, Header]:
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(8)
        length = int.from_bytes(first, "little")
        if len(first) < 8 or length > min(size - 8, LONGEST):
            raise ValueError(
                f"{path} is no whole safetensors file: "
                + (
                    f"it says that its header takes {length} bytes, and {size - 8} "
                    "follow"
                    if len(first) == 8
                    else f"it has {size} bytes, and a header needs 8"
                )
            )
        text = file.read(length)
    try:
        entries = json.loads(text.decode())
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, dict):
        raise ValueError(  # noqa: TRY004
            f"{path} is no safetensors file: its header is not a JSON object"
        )
    data = 8 + length
    found = {
        name: _header(path, name, entry, data, size)
        for name, entry in entries.items()
        if name != "__metadata__"
    }
    _require_apart(path, found)
    return found


def _header(path: Path, name: str, entry: object, data: int, size: int) -> Header:
    known = entry if isinstance(entry, dict) else {}
    offsets = known.get("data_offsets")
    if not {"dtype", "shape"} <= set(known) or not (
        isinstance(offsets, list) and len(offsets) == 2
    ):
        raise ValueError(
            f"{path}: the header of {name} needs dtype, shape and two data_offsets"
        )
    dtype, shape = known["dtype"], known["shape"]
    start, stop = offsets
    numbers = [*shape, start, stop] if isinstance(shape, list) else [None]
    if not all(type(n) is int and n >= 0 for n in numbers) or stop < start:
        raise ValueError(
            f"{path}: the shape and data_offsets of {name} must be integers from 0, "
            f"in order, got {shape} and [{start}, {stop}]"
        )
    if not isinstance(dtype, str):
        raise ValueError(  # noqa: TRY004
            f"{path}: the dtype of {name} must be a name, got {dtype!r}"
        )
    if data + stop > size:
        raise ValueError(
            f"{path} is cut off: {name} ends at byte {data + stop}, and the file has "
            f"{size}"
        )
    if dtype in DTYPES:
        needed = math.prod(shape) * DTYPES[dtype].itemsize
        if needed != stop - start:
            raise ValueError(
                f"{path}: {name}, {dtype} of shape {tuple(shape)}, takes {needed} "
                f"bytes, and its header gives it {stop - start}"
            )
    return Header(path, dtype, tuple(shape), data + start, data + stop)


def _require_apart(path: Path, found: Mapping[str, Header]) -> None:
    end, before = 0, ""
    for name, header in sorted(found.items(), key=lambda item: item[1].start):
        if header.start < end:
            raise ValueError(f"{path}: {before} and {name} overlap in the file")
        if header.stop > end:
            end, before = header.stop, name
