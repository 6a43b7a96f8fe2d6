"""PLY files: text and bytes of either order say the same mesh."""

import struct

import numpy as np
import pytest

from studies.data import meshes
from studies.scenes.solids import load
from tests.studies.scenes.test_solids import CUBE, FACES, QUADS

ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}
EACH = pytest.mark.parametrize("form", ["ascii", *ORDERS])
VERTEX = [("float", "x"), ("float", "y"), ("float", "z")]
CODES = {
    "float": "f", "float64": "d", "double": "d", "uchar": "B", "int": "i",
    "uint16": "H", "short": "h", "uint32": "I", "int8": "b",
}  # fmt: skip


def header(form, *elements):
    """Return a header; elements are (name, count, properties as their lines say)."""
    lines = ["ply", f"format {form} 1.0", "comment made by hand, element vertex 3"]
    for name, count, properties in elements:
        lines.append(f"element {name} {count}")
        lines += ["property " + " ".join(p) for p in properties]
    return "\n".join([*lines, "end_header", ""]).encode()


def body(form, rows):
    """Return rows, each a list of (type, number)."""
    if form == "ascii":
        return "\n".join(" ".join(str(x) for _, x in row) for row in rows).encode()
    return b"".join(
        struct.pack(ORDERS[form] + CODES[kind], x) for row in rows for kind, x in row
    )


def cube(form, *, real="float", index="int", length="uchar", name="vertex_indices"):
    number = int if real == "short" else float
    rows = [[(real, number(x)) for x in v] for v in CUBE]
    rows += [[(length, len(q)), *((index, i) for i in q)] for q in QUADS]
    head = header(
        form,
        ("vertex", 8, [(real, axis) for axis in "xyz"]),
        ("face", 6, [("list", length, index, name)]),
    )
    return head + body(form, rows)


def read(tmp_path, content, name="a.ply"):
    (tmp_path / name).write_bytes(content)
    return meshes.read(tmp_path / name)


@EACH
@pytest.mark.parametrize(
    "types",
    [
        {},
        {"real": "double", "index": "uint32", "length": "int8"},
        {"real": "float64", "index": "uint16", "name": "vertex_index"},
        {"real": "short", "index": "short", "length": "int"},
    ],
)
def test_every_format_and_type_says_the_same_cube(tmp_path, form, types):
    vertices, faces = read(tmp_path, cube(form, **types))
    np.testing.assert_array_equal(vertices, CUBE)
    np.testing.assert_array_equal(faces, FACES)


@EACH
def test_what_is_neither_a_place_nor_a_corner_is_passed_over(tmp_path, form):
    head = header(
        form,
        ("camera", 1, [("double", "focal"), ("list", "uchar", "short", "pixels")]),
        ("vertex", 8, [("uchar", "red"), *VERTEX[::-1]]),
        ("empty", 9, []),
        ("face", 6, [
            ("int", "flags"), ("list", "uchar", "float", "texcoord"),
            ("list", "uchar", "int", "vertex_indices"),
        ]),
        ("edge", 1, [("int", "vertex1"), ("int", "vertex2")]),
    )  # fmt: skip
    rows = [[("double", 1.5), ("uchar", 2), ("short", -3), ("short", 4)]]
    rows += [[("uchar", 255), *(("float", float(x)) for x in v[::-1])] for v in CUBE]
    rows += [
        [("int", -7), ("uchar", i % 3), *[("float", 0.5)] * (i % 3), ("uchar", 4)]
        + [("int", corner) for corner in quad]
        for i, quad in enumerate(QUADS)
    ]
    rows += [[("int", 0), ("int", 1)]]
    vertices, faces = read(tmp_path, head + body(form, rows))
    np.testing.assert_array_equal(vertices, CUBE)
    np.testing.assert_array_equal(faces, FACES)


def test_lines_may_end_as_on_other_systems_and_names_in_capitals(tmp_path):
    content = cube("ascii").replace(b"\n", b"\r\n")
    np.testing.assert_array_equal(read(tmp_path, content, "a.PLY")[1], FACES)
    head, end, rest = cube("binary_big_endian").partition(b"end_header\n")
    mixed = (head + end).replace(b"\n", b"\r\n") + rest
    np.testing.assert_array_equal(read(tmp_path, mixed)[0], CUBE)


@EACH
def test_a_solid_is_taken_from_a_folder_and_by_path(tmp_path, form):
    (tmp_path / "box.ply").write_bytes(cube(form))
    places = np.array([[0.79, 0, 0], [0.81, 0, 0]])
    for solid in (load("box", tmp_path), load(str(tmp_path / "box.ply"))):
        assert solid.inside(places).tolist() == [True, False]


@EACH
@pytest.mark.parametrize("lost", [1, 7, 40])
def test_a_file_that_was_cut_short_is_refused(tmp_path, form, lost):
    content = cube(form)
    content = content.rsplit(b" ", lost)[0] if form == "ascii" else content[:-lost]
    with pytest.raises(ValueError, match=r"a\.ply must be a PLY file.* cut short"):
        read(tmp_path, content)


TEXT = cube("ascii")
LISTED = (
    header(
        "ascii",
        ("vertex", 1, [("list", "uchar", "float", "x"), *VERTEX[1:]]),
        ("face", 0, [("list", "uchar", "int", "vertex_indices")]),
    )
    + b"1 0 0 0"
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "first line is ply"),
        (b"solid", "first line is ply"),
        (bytes(range(256)) * 9, "first line is ply"),
        (TEXT[:60], "a line end_header"),
        (TEXT.replace(b"ascii", b"utf8"), "the line 'format utf8 1.0'"),
        (TEXT.replace(b"format ascii 1.0\n", b""), "no format, one of ascii"),
        (TEXT.replace(b"float x", b"half x"), "the property 'half x'"),
        (TEXT.replace(b"vertex 8", b"vertex -8"), "the line 'element vertex -8'"),
        (TEXT.replace(b"float z", b"float w"), "vertices with x, y and z"),
        (LISTED, "vertices with x, y and z"),
        (TEXT.replace(b"vertex_indices", b"strips"), "a list vertex_indices"),
        (TEXT.replace(b"\n4 0", b"\n-4 0"), "has the length -4"),
        (TEXT.replace(b"\n4 0", b"\n4 zero"), "zero"),
        (TEXT.replace(b"\n4 0", b"\n4 9"), "names the vertices"),
        (TEXT.replace(b"face 6", b"face 5"), "must be closed.*4 edges"),
        (TEXT.replace(b"\n-1.0", b"\nnan"), "not finite"),
        (TEXT.replace(b"face 6", b"face 60000000000"), "cut short"),
    ],
)
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path, content, words):
    with pytest.raises(ValueError, match=words) as caught:
        read(tmp_path, content)
    assert "a.ply" in str(caught.value)
