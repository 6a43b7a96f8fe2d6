"""Processes that share a Lanczos basis find what one finds, or all say what failed."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from condlab.machine.ranks import ALONE
from tests.spectra.matrices import SPECTRA, rotated
from tests.spectra.sharing import SEVERAL, Parts, looked_at

EPS = torch.finfo(torch.float64).eps
ROOT = Path(__file__).parents[2]


def launch(folder, what, world):
    """Run so many processes, and return their exit statuses."""
    command = [sys.executable, "-m", "tests.spectra.sharing", str(folder), what]
    started = [
        subprocess.Popen(
            [*command, str(rank), str(world)],
            cwd=ROOT, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(world)
    ]  # fmt: skip
    said = []
    for process in started:
        said.append(process.communicate(timeout=120)[1])
        if what == "hangs":  # the others have said that it does
            started[1].kill()
    return [process.returncode for process in started], said


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    statuses, said = launch(folder, "everything", 3)
    assert statuses == [0, 0, 0], said[0][-3000:]
    return [torch.load(folder / f"{rank}.pt") for rank in range(3)]


@pytest.mark.parametrize(("name", "block"), SEVERAL)
def test_a_shared_basis_is_orthonormal_and_finds_the_same_eigenvalues(
    three, name, block
):
    values = SPECTRA[name]
    n, size = len(values), float(values.abs().max())
    A = rotated(values)
    one = looked_at(Parts(A, ALONE), 12, block)
    for found in (other[name, block] for other in three):
        assert found["gap"] <= 10 * n * EPS
        assert len(found["values"]) == len(one["values"])
        # each interval holds an eigenvalue, to the rounding of n products
        off = (found["values"][:, None] - values).abs().min(dim=1).values
        assert bool((off <= found["residuals"] + 100 * n * EPS * size).all())
        Y, theta = found["vectors"], found["values"]
        true = ((A @ Y) / (size or 1) - Y * (theta / (size or 1))).norm(dim=0)
        gap = true - found["residuals"] / (size or 1)
        assert float(gap.abs().max()) <= 1000 * n * EPS
        least = float(values.abs().min())
        assert float(found["smallest"][0]) >= least * (1 - 1e-9) - 10 * n * EPS * size


def test_each_process_keeps_a_part_of_the_columns(three):
    widths = [found["memory"]["columns"] for found in three]
    assert widths == [30, 30, 30]
    uneven = [found["graded", 1]["columns"] for found in three]
    assert (sum(uneven), max(uneven)) == (25, 9)


def test_all_processes_have_the_same_bits(three):
    for found in three[1:]:
        for key in [*SEVERAL, "disk", "memory"]:
            for name in ("values", "residuals", "smallest", "vectors"):
                assert torch.equal(found[key][name], three[0][key][name])


def test_shares_on_disk_are_those_in_memory(three):
    for found in three:
        torch.testing.assert_close(found["disk"]["values"], found["memory"]["values"])
        assert found["one number"]["values"].tolist() == [-3.0]


def test_one_checkpoint_of_the_first_process_serves_all(three):
    A = rotated(torch.linspace(-1, 3, 90, dtype=torch.float64))
    for found in three:
        resumed = found["resumed"]
        assert torch.equal(resumed["taken"], resumed["whole"])
        torch.testing.assert_close(resumed["assembled"], A, rtol=0, atol=100 * EPS)


def test_what_one_process_raises_all_raise(three):
    for found in three:
        assert found["raised"] == found["gathered"]
        assert found["raised"] == (
            "RankError: rank 1 of 3 failed: ZeroDivisionError: the data of rank 1 are "
            "wrong"
        )
        assert "all ranks must have the same size, block and seed" in found["seeds"]
        assert "needs a folder, and this is none" in found["disk of one"]
        assert "broken is no checkpoint of a curvature run" in found["broken"]


def test_the_fullest_process_decides_for_all(three):
    for found in three:
        assert found["method of all"].startswith("lanczos")
        assert found["room of one"].startswith("MemoryError: one of 3 parts of a basis")


@pytest.mark.parametrize("what", ["dies", "hangs"])
def test_a_process_that_is_gone_or_silent_is_named(tmp_path, what):
    launch(tmp_path, what, 2)
    said = (tmp_path / "0.txt").read_text()
    assert said.startswith("RankLostError: rank 1 of 2 has ended or has not answered")
