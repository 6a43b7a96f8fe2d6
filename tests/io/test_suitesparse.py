"""Matrices by name: downloaded once, from mirrors, and nothing else from archives."""

from __future__ import annotations

import io
import socket
import tarfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from condlab.errors import MatrixFileError, MissingExtraError
from condlab.io import (
    _suitesparse,
    fetch_suitesparse,
    read_matrix,
)
from tests.io.matrix_files import COORDINATE
from tests.servers import serving


def suitesparse_archive(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


WEST = (COORDINATE + "2 2 2\n1 1 4\n2 2 5\n").encode()


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A server on this machine that stands in for the collection's."""
    pytest.importorskip("pooch")
    folder = tmp_path / "mirror"
    suitesparse_archive(
        folder / "HB" / "west0479.tar.gz", {"west0479/west0479.mtx": WEST}
    )
    with serving(folder) as address:
        url = f"{address}/{{group}}/{{name}}.tar.gz"
        monkeypatch.setattr(_suitesparse, "MIRRORS", (url,))
        yield folder


@pytest.fixture
def offline(monkeypatch):
    """An address at which nothing listens."""
    pytest.importorskip("pooch")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/{{group}}/{{name}}.tar.gz"
    monkeypatch.setattr(_suitesparse, "MIRRORS", (url, url.replace("127", "127", 1)))


@pytest.mark.parametrize("name", ["HB/west0479", "west0479"])
def test_named_matrix_is_downloaded_once(mirror, tmp_path, name):
    path = fetch_suitesparse(name, cache=tmp_path / "cache")
    assert_array_equal(read_matrix(path).toarray(), np.diag([4.0, 5.0]))
    (mirror / "HB" / "west0479.tar.gz").unlink()
    assert fetch_suitesparse(name, cache=tmp_path / "cache") == path


def test_second_mirror_is_tried_when_the_first_fails(mirror, tmp_path, monkeypatch):
    dead = _suitesparse.MIRRORS[0].replace("{group}", "gone/{group}")
    monkeypatch.setattr(_suitesparse, "MIRRORS", (dead, *_suitesparse.MIRRORS))
    assert fetch_suitesparse("west0479", cache=tmp_path / "cache").is_file()


def test_unknown_name_reports_the_server_answer(mirror, tmp_path):
    with pytest.raises(MatrixFileError, match="HTTP status 404"):
        fetch_suitesparse("HB/nothing", cache=tmp_path / "cache")


def test_offline_says_what_was_tried_and_what_to_do(offline, tmp_path):
    with pytest.raises(MatrixFileError) as error:
        fetch_suitesparse("west0479", cache=tmp_path)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith("could not download HB/west0479: tried http://127.0.0.1")
    assert "ConnectionError" in message
    assert (
        f"put the archive at {tmp_path / 'HB' / 'west0479.tar.gz'} by hand" in message
    )
    assert "or give a local .mtx file" in message


def test_archive_put_by_hand_is_used_offline(offline, tmp_path):
    suitesparse_archive(
        tmp_path / "HB" / "west0479.tar.gz", {"./west0479/west0479.mtx": WEST}
    )
    assert fetch_suitesparse("west0479", cache=tmp_path).read_bytes() == WEST


def test_nothing_but_the_matrix_leaves_the_archive(offline, tmp_path):
    suitesparse_archive(
        tmp_path / "HB" / "A.tar.gz",
        {"../../evil": b"", "A/A_b.mtx": b"", "A/A.mtx": WEST},
    )
    fetch_suitesparse("HB/A", cache=tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == [
        "A.mtx",
        "A.tar.gz",
    ]


def test_archive_of_another_matrix_is_refused(offline, tmp_path):
    suitesparse_archive(tmp_path / "HB" / "A.tar.gz", {"B/B.mtx": WEST})
    with pytest.raises(MatrixFileError, match=r"holds no A/A\.mtx"):
        fetch_suitesparse("HB/A", cache=tmp_path)


def test_link_in_place_of_the_matrix_is_refused(offline, tmp_path):
    (tmp_path / "HB").mkdir()
    with tarfile.open(tmp_path / "HB" / "A.tar.gz", "w:gz") as tar:
        link = tarfile.TarInfo("A/A.mtx")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(MatrixFileError, match=r"holds no A/A\.mtx"):
        fetch_suitesparse("HB/A", cache=tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x1f\x8b\x08"])
def test_what_is_no_archive_is_refused(offline, tmp_path, content):
    (tmp_path / "HB").mkdir()
    (tmp_path / "HB" / "A.tar.gz").write_bytes(content)
    with pytest.raises(MatrixFileError, match=r"not a whole \.tar\.gz .*; delete it"):
        fetch_suitesparse("HB/A", cache=tmp_path)


@pytest.mark.parametrize(
    "name", ["", "..", "../A", "a/b/c", "/etc/passwd", "HB/", "a b"]
)
def test_impossible_names_never_reach_the_network(name):
    with pytest.raises(ValueError, match="GROUP/NAME, such as HB/west0479"):
        fetch_suitesparse(name)


def test_bare_unknown_name_asks_for_its_group():
    with pytest.raises(ValueError, match="the group of 'rajat11' is not known here"):
        fetch_suitesparse("rajat11")


def test_missing_pooch_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'condlab\[studies\]'"):
        fetch_suitesparse("west0479")
