"""Vertices and faces of PLY files, as text and as bytes of either order."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4",
    "uint": "u4", "float": "f4", "double": "f8", "int8": "i1", "uint8": "u1",
    "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "float32": "f4",
    "float64": "f8",
}  # fmt: skip
CODES = {
    "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "f4": "f",
    "f8": "d",
}  # fmt: skip
ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}
FORMATS = ("ascii", *ORDERS)
CORNERS = ("vertex_indices", "vertex_index")  # both are in use
HEADER = 1 << 16  # bytes that it may have

Cell = float | list[float]
Take = Callable[[str, int], list[float]]


@dataclass(frozen=True, slots=True)
class Property:
    """A number of each element, or a list of them with the type of its length."""

    name: str
    kind: str
    length: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """A table of the file: its name, how many rows it has, and its columns."""

    name: str
    count: int
    properties: tuple[Property, ...]


def read(path: Path) -> tuple[np.ndarray, list[list[int]]]:
    """Return the vertices, shape (v, 3), and the corners of each face.

    Parameters
    ----------
    path : pathlib.Path
        With elements "vertex", which has x, y and z, and "face", which has a list
        "vertex_indices" or "vertex_index"; what else there is is passed over.

    Raises
    ------
    ValueError
        If the file is no PLY file, has not these, or is cut short.

    References
    ----------
    .. [1] G. Turk, "The PLY Polygon File Format", Stanford University, 1994.
    """
    head, body = _parted(path)
    try:
        order, elements = _header(head)
        take = _words(body) if order == "ascii" else _bytes(body, ORDERS[order])
        tables = {e.name: list(_rows(e, take)) for e in elements}
        return _mesh({e.name: e for e in elements}, tables)
    except (ValueError, struct.error, UnicodeDecodeError) as error:
        reason = "it is cut short" if isinstance(error, struct.error) else error
        raise ValueError(f"{path} must be a PLY file of a mesh: {reason}") from None


def _parted(path: Path) -> tuple[list[str], bytes]:
    """Return the lines of the header, and the bytes behind it."""
    content = path.read_bytes()
    lines: list[str] = []
    start = 0
    while start < min(len(content), HEADER) and lines[-1:] != ["end_header"]:
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        lines.append(content[start:end].decode("latin-1").strip())
        start = end + 1
        if lines[0] != "ply":
            break
    if lines[:1] != ["ply"] or lines[-1] != "end_header":
        raise ValueError(
            f"{path} must be a PLY file: its first line is ply, and a line end_header "
            "ends its header"
        )
    return lines[1:-1], content[start:]


def _header(lines: list[str]) -> tuple[str, list[Element]]:
    """Return the format, and the elements in their order."""
    order, elements = "", []
    for line in lines:
        match line.split():
            case [] | ["comment" | "obj_info", *_]:
                continue
            case ["format", str(found), "1.0"] if found in FORMATS:
                order = found
            case ["element", str(name), str(count)] if count.isdecimal():
                elements.append(Element(name, int(count), ()))
            case ["property", *words] if elements:
                last = elements[-1]
                made = (*last.properties, _property(words))
                elements[-1] = Element(last.name, last.count, made)
            case _:
                raise ValueError(f"its header has the line {line!r}")
    if not order:
        raise ValueError(f"its header has no format, one of {', '.join(FORMATS)}")
    return order, elements


def _property(words: list[str]) -> Property:
    match words:
        case ["list", length, kind, name] if length in TYPES and kind in TYPES:
            return Property(name, TYPES[kind], TYPES[length])
        case [kind, name] if kind in TYPES:
            return Property(name, TYPES[kind])
    raise ValueError(f"its header has the property {' '.join(words)!r}")


def _rows(element: Element, take: Take) -> Iterator[Sequence[Cell]]:
    """Yield the rows of an element: a number or a list for each property."""
    if not element.properties:  # whatever its count says
        return
    plain = [p for p in element.properties if not p.length]
    if len(plain) == len(element.properties):  # neighbours are taken together
        kinds = "".join(CODES[p.kind] for p in plain)
        for _ in range(element.count):
            yield take(kinds, 1)
        return
    for _ in range(element.count):
        row: list[Cell] = []
        for p in element.properties:
            if p.length:
                (count,) = take(CODES[p.length], 1)
                if count < 0 or count != int(count):
                    raise ValueError(f"a list of it has the length {count}")
                row.append(take(CODES[p.kind], int(count)))
            else:
                row += take(CODES[p.kind], 1)
        yield row


def _bytes(body: bytes, order: str) -> Take:
    """Return what takes the next numbers of some types, so many times over."""
    place = 0

    def take(codes: str, times: int) -> list[float]:
        nonlocal place
        kinds = f"{order}{codes * times}"
        found = struct.unpack_from(kinds, body, place)
        place += struct.calcsize(kinds)
        return list(found)

    return take


def _words(body: bytes) -> Take:
    """Return the same of text, whose words are read as their types say."""
    words = chain.from_iterable(line.split() for line in body.decode().splitlines())

    def take(codes: str, times: int) -> list[float]:
        wanted = codes * times
        found = list(islice(words, len(wanted)))
        if len(found) < len(wanted):
            raise ValueError("it is cut short")
        return [
            float(word) if code in "fd" else int(word)
            for word, code in zip(found, wanted, strict=True)
        ]

    return take


def _mesh(
    elements: dict[str, Element], tables: dict[str, list[Sequence[Cell]]]
) -> tuple[np.ndarray, list[list[int]]]:
    """Return the vertices and the corners of faces among all that was read."""
    names = {
        name: [p.name for p in elements[name].properties] if name in elements else []
        for name in ("vertex", "face")
    }
    corners = [i for i, name in enumerate(names["face"]) if name in CORNERS]
    lists = [i for i in corners if elements["face"].properties[i].length]
    vertex = elements["vertex"].properties if "vertex" in elements else ()
    if not {"x", "y", "z"} <= {p.name for p in vertex if not p.length} or not lists:
        raise ValueError(
            "it needs vertices with x, y and z, and faces with a list vertex_indices"
        )
    axes = [names["vertex"].index(axis) for axis in "xyz"]
    vertices = [[_number(row[i]) for i in axes] for row in tables["vertex"]]
    faces = [_corners(row[lists[0]]) for row in tables["face"]]
    return np.array(vertices, dtype=np.float64).reshape(-1, 3), faces


def _number(cell: Cell) -> float:
    assert not isinstance(cell, list)  # of a property that is none
    return float(cell)


def _corners(cell: Cell) -> list[int]:
    assert isinstance(cell, list)  # of a property that is one
    return [int(corner) for corner in cell]
