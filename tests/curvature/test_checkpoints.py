"""A checkpoint is taken up whole, or refused with one sentence that names it."""

import multiprocessing
import random
import shutil

import pytest
import torch

from condlab.spectra import assemble, spectrum
from condlab.spectra.storage import checkpoint
from tests.spectra.matrices import SPECTRA, rotated

CORRUPTIONS = 125  # of each of eight kinds
LANCZOS = {"method": "lanczos", "basis": 12, "rtol": 0}


class Killed(Exception):
    pass


def assembly(path, A, *, chunk=7, last=10**9):
    """Assemble a matrix, or be killed once so many columns are done."""

    def stop(progress):
        if progress.done >= last:
            raise Killed

    return assemble(A, chunk=chunk, checkpoint=path, progress=stop)


def lanczos(path, A, *, seed=0, block=1, num_matvecs=24, **options):
    generator = torch.Generator().manual_seed(seed)
    options = LANCZOS | {"block": block, "num_matvecs": num_matvecs} | options
    return spectrum(A, checkpoint=path, generator=generator, **options)


@pytest.fixture(scope="module")
def matrix():
    return rotated(SPECTRA["graded"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory, matrix):
    """Return the bytes of a checkpoint of either kind."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.raises(Killed):
        assembly(folder / "assembly", matrix, last=20)
    lanczos(folder / "lanczos", matrix)
    return {name: (folder / name).read_bytes() for name in ("assembly", "lanczos")}


RUNS = {"assembly": assembly, "lanczos": lanczos}


def flipped_bit(data, rng):
    place = rng.randrange(len(data))
    return (
        data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]
    )


def other_byte(data, rng):
    place = rng.randrange(len(data))
    return (
        data[:place] + bytes([data[place] ^ rng.randrange(1, 256)]) + data[place + 1 :]
    )


def cut(data, rng):
    return data[: rng.randrange(len(data))]


def cut_in_the_middle(data, rng):
    first, last = sorted(rng.sample(range(len(data) + 1), 2))
    return data[:first] + data[last:]


def swapped(data, rng):
    size = rng.choice([1, 8, 64, 240])
    first, last = rng.sample(range(0, len(data) - size + 1, size), 2)
    found = bytearray(data)
    found[first : first + size] = data[last : last + size]
    found[last : last + size] = data[first : first + size]
    return bytes(found)


def longer(data, rng):
    return data + rng.randbytes(rng.randrange(1, 300))


def zeroed(data, rng):
    place = rng.randrange(len(data))
    size = rng.randrange(1, 4096)
    return data[:place] + bytes(len(data[place : place + size])) + data[place + size :]


def another_file(data, rng):
    return rng.choice([b"", b"a letter", rng.randbytes(len(data)), bytes(len(data))])


KINDS = (
    flipped_bit, other_byte, cut, cut_in_the_middle, swapped, longer, zeroed,
    another_file,
)  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_corrupted_checkpoint_is_never_taken_up(name, kind, whole, matrix, tmp_path):
    rng, path, data = (
        random.Random(f"{name} {kind.__name__}"),
        tmp_path / "saved",
        whole,
    )
    for _ in range(CORRUPTIONS // 2 + 1):
        corrupted = kind(data[name], rng)
        if corrupted == data[name]:
            continue
        path.write_bytes(corrupted)
        with pytest.raises(
            ValueError, match=r"saved is (damaged|no checkpoint)"
        ) as said:
            RUNS[name](path, matrix)
        assert str(path) in str(said.value)
        assert "\n" not in str(said.value)
        assert path.read_bytes() == corrupted  # it is the user's to remove
        assert [p.name for p in tmp_path.iterdir()] == ["saved"]


FOREIGN = {
    "seed": ("lanczos", {"seed": 1}, "seed"),
    "block": ("lanczos", {"block": 2}, "block"),
    "basis": ("lanczos", {"basis": 14}, "basis"),
    "dtype": ("lanczos", {"dtype": torch.float32}, "dtype"),
    "shape": ("lanczos", {"size": 24}, "shape"),
    "matrix": ("lanczos", {"factor": 1 + 1e-6}, "product"),
    "units": ("lanczos", {"factor": 2.0}, "product"),
    "assembly's dtype": ("assembly", {"dtype": torch.float32}, "dtype"),
    "assembly's shape": ("assembly", {"size": 24}, "shape"),
    "assembly's matrix": ("assembly", {"factor": 1 + 1e-6}, "products"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_another_runs_checkpoint_is_refused_and_said_why(name, whole, matrix, tmp_path):
    kind, options, why = FOREIGN[name]
    options, n = dict(options), options.get("size", len(matrix))
    dtype, factor = options.pop("dtype", matrix.dtype), options.pop("factor", 1.0)
    options.pop("size", None)
    path = tmp_path / "saved"
    path.write_bytes(whole[kind])
    A = (factor * matrix[:n, :n]).to(dtype)
    with pytest.raises(ValueError, match=rf"saved is .* another operator .*{why}"):
        RUNS[kind](path, A, **options)
    assert path.read_bytes() == whole[kind]


@pytest.mark.parametrize(
    ("name", "other"), [("assembly", "lanczos"), ("lanczos", "assembly")]
)
def test_a_checkpoint_of_the_other_kind_is_refused(
    name, other, whole, matrix, tmp_path
):
    path = tmp_path / "saved"
    path.write_bytes(whole[other])
    with pytest.raises(ValueError, match=f"what {other} there, {name} here"):
        RUNS[name](path, matrix)


@pytest.mark.parametrize("version", ["torch", "condlab"])
@pytest.mark.parametrize("name", RUNS)
def test_another_versions_checkpoint_is_refused(
    name, version, whole, matrix, tmp_path, monkeypatch
):
    path = tmp_path / "saved"
    path.write_bytes(whole[name])
    monkeypatch.setattr(f"{version}.__version__", "0.0.0")
    with pytest.raises(ValueError, match=rf"{version} \d.* there, 0\.0\.0 here"):
        RUNS[name](path, matrix)


def test_a_checkpoint_is_no_pickle(whole):
    for data in whole.values():
        assert data.startswith(checkpoint.MAGIC)
        assert b"PK\x03\x04" not in data[:4]
        assert b"torch._utils" not in data


@pytest.mark.parametrize("name", RUNS)
def test_a_second_run_on_the_same_checkpoint_is_refused(name, whole, matrix, tmp_path):
    path = tmp_path / "saved"
    path.write_bytes(whole[name])
    said = []

    class Twice:
        shape, dtype, device = matrix.shape, matrix.dtype, matrix.device

        def __matmul__(self, X):
            if path.with_name("saved.lock").exists() and not said:
                with pytest.raises(ValueError, match="saved is in use") as refused:
                    RUNS[name](path, matrix)
                said.append(refused)
            return matrix @ X

    RUNS[name](path, Twice(), **({"num_matvecs": 40} if name == "lanczos" else {}))
    assert said
    assert not path.with_name("saved.lock").exists()


def hold_for_ever(path, ready):
    with checkpoint.held(path):
        ready.set()
        multiprocessing.Event().wait()


def test_the_lock_of_a_killed_run_holds_nobody(whole, matrix, tmp_path):
    path, spawn = tmp_path / "saved", multiprocessing.get_context("spawn")
    path.write_bytes(whole["assembly"])
    ready = spawn.Event()
    run = spawn.Process(target=hold_for_ever, args=(path, ready))
    run.start()
    try:
        assert ready.wait(60)
        with pytest.raises(ValueError, match="in use by another run"):
            assembly(path, matrix)
    finally:
        run.kill()
        run.join()
    torch.testing.assert_close(assembly(path, matrix), matrix)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("written", [0, 1, 100, 7 * 25 * 8])
def test_rows_that_a_kill_left_unfinished_are_dropped(written, matrix, tmp_path):
    path = tmp_path / "saved"
    with pytest.raises(Killed):
        assembly(path, matrix, last=14)
    saved = checkpoint.read(path, {"what": "assembly"})
    with path.open("r+b", buffering=0) as file:  # as `append` does, up to the kill
        rows = memoryview(bytes(7 * 25 * 8))
        checkpoint._write_slot(file, saved.end, saved.end + len(rows), saved.digest)
        file.seek(saved.end)
        file.write(rows[:written])
    torch.testing.assert_close(assembly(path, matrix), matrix, rtol=1e-14, atol=1e-14)


def test_what_a_kill_left_of_a_new_checkpoint_is_cleared(whole, matrix, tmp_path):
    path = tmp_path / "saved"
    path.write_bytes(whole["lanczos"])
    path.with_name("saved.new").write_bytes(whole["lanczos"][:99])
    resumed = lanczos(path, matrix, num_matvecs=40)
    expected = lanczos(tmp_path / "another", matrix, num_matvecs=40)
    assert torch.equal(resumed.values, expected.values)
    assert {p.name for p in tmp_path.iterdir()} == {"saved", "another"}


@pytest.mark.parametrize("block", [1, 3])
def test_a_basis_on_disk_takes_up_from_a_checkpoint_and_ends_the_same(
    block, matrix, tmp_path
):
    (disk := tmp_path / "disk").mkdir()
    path, options = tmp_path / "saved", {"folder": disk, "block": block}
    lanczos(path, matrix, num_matvecs=25, **options)
    copy = shutil.copy(path, tmp_path / "copy")
    resumed = lanczos(path, matrix, num_matvecs=50, **options)
    held = lanczos(copy, matrix, num_matvecs=50, block=block)
    expected = lanczos(tmp_path / "whole", matrix, num_matvecs=50, **options)
    assert torch.equal(resumed.values, expected.values)
    torch.testing.assert_close(held.values, expected.values, rtol=1e-10, atol=1e-12)
