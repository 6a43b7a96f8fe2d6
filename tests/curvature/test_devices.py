"""Everything is made where the operator is, in its dtype, and drawn on the CPU.

On a stand-in for a device that is not the CPU and has no float64; what it gives is what
the CPU gives in float32, to the bit, since both draw the same.
"""

import re
from pathlib import Path

import pytest
import torch

import condlab
from condlab.curvature import condition_number, submatrix
from condlab.curvature.evaluation._data import _weighted_sum
from condlab.curvature.twins import lengths_of
from condlab.machine import precision
from condlab.nn.maps.polar import polar_factor
from condlab.spectra import (
    assemble,
    density,
    diagonal,
    frobenius_norm,
    solve,
    spectrum,
    trace,
)
from tests.curvature.stand_in import ELSEWHERE, Device, Elsewhere
from tests.spectra.matrices import SPECTRA, rotated

PACKAGE = Path(condlab.__file__).parent
STUDIES = PACKAGE.parent / "studies"


@pytest.fixture
def elsewhere(monkeypatch):
    """Enter the device, which has no float64."""
    monkeypatch.setattr(precision, "SINGLE", frozenset({ELSEWHERE.type}))
    with Device():
        yield


LANCZOS = {"method": "lanczos", "num_matvecs": 40, "rtol": 0}
WORK = {
    "exact": lambda H: spectrum(H, method="exact", vectors=2).values,
    "Lanczos": lambda H: spectrum(H, **LANCZOS, vectors=2).values,
    "restarts": lambda H: spectrum(H, **LANCZOS, basis=12, block=2).radii,
    "density": lambda H: torch.from_numpy(
        density(H, num_matvecs=8, num_probes=2).nodes[0]
    ),
    "trace": lambda H: trace(H, num_matvecs=10).value,
    "all of the trace": lambda H: trace(H, num_matvecs=40).value,
    "norm": lambda H: frobenius_norm(H, num_matvecs=10).value,
    "diagonal": lambda H: diagonal(H, num_matvecs=10).values,
    "matrix": assemble,
    "condition": lambda H: condition_number(H).kappa.value,
    "bracket": lambda H: (
        condition_number(H, method="lanczos", num_matvecs=15, interior=10).kappa.lower
    ),
    "factored": lambda H: condition_number(H, method="factored").kappa.value,
    "part": lambda H: submatrix(H, [0, 3, 5]).dense(),
    "solution": lambda H: solve(H, 1 + 0 * (H @ H[:, 0]), damping=0.1, rtol=1e-3).value,
    "lengths": lambda H: lengths_of(H, torch.arange(900).view(30, 30) // 90),
    "hash": _weighted_sum,
    "polar factor": lambda H: polar_factor(H[:3]),
}


def plain(x):
    x = x.cpu() if isinstance(x, torch.Tensor) else x
    return torch.as_tensor(x).double()


@pytest.mark.parametrize("name", WORK)
def test_work_on_a_device_without_float64_gives_what_the_cpu_does(name, elsewhere):
    A = rotated(SPECTRA["indefinite"]).float()
    expected, found = WORK[name](A), WORK[name](Elsewhere(A.clone()))
    where = getattr(found, "device", torch.device("cpu"))
    vectors = ("diagonal", "matrix", "part", "solution", "lengths", "polar factor")
    assert where == (ELSEWHERE if name in vectors else torch.device("cpu"))
    torch.testing.assert_close(plain(found), plain(expected), rtol=1e-3, atol=1e-4)


def test_a_run_there_is_taken_up_from_its_checkpoint(elsewhere, tmp_path):
    A = Elsewhere(rotated(SPECTRA["indefinite"]).float())
    (disk := tmp_path / "disk").mkdir()
    options = {"method": "lanczos", "basis": 12, "rtol": 0, "folder": disk}
    options["checkpoint"] = tmp_path / "saved"
    spectrum(A, num_matvecs=25, **options)
    resumed = spectrum(A, num_matvecs=50, **options)
    options["checkpoint"] = tmp_path / "another"
    expected = spectrum(A, num_matvecs=50, **options)
    assert torch.equal(resumed.values, expected.values)


MISTAKES = {
    "float64 there": lambda x: x.double(),
    "float64 on the way": lambda x: x.to("cpu", torch.float64),
    "made in float64": lambda _: torch.zeros(2, dtype=torch.float64, device=ELSEWHERE),
    "sent in float64": lambda _: torch.zeros(2, dtype=torch.float64).to(ELSEWHERE),
    "beside the CPU's": lambda x: x + torch.ones(2),
    "product with the CPU's": lambda x: torch.eye(2) @ x,
    "an index of the other": lambda x: torch.ones(3)[x.to(torch.long)],
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_stand_in_refuses_what_such_a_device_does(name, elsewhere):
    with pytest.raises((TypeError, RuntimeError), match=r"device|elsewhere"):
        MISTAKES[name](Elsewhere(torch.ones(2)))


CAST_FIRST = re.compile(
    r"(double\(\)|float64\))\.(cpu|to)\(|\.to\([^()]*float64[^()]*device"
)


@pytest.mark.parametrize("folder", [PACKAGE, STUDIES], ids=lambda p: p.name)
def test_tensors_are_copied_to_the_cpu_before_they_are_widened(folder):
    found = [
        f"{path.name}:{i}: {line.strip()}"
        for path in sorted(folder.rglob("*.py"))
        for i, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if CAST_FIRST.search(line) and ">>>" not in line and "rand" not in line
    ]
    assert not found


def test_the_pattern_sees_both_orders():
    assert CAST_FIRST.search("x.detach().double().cpu()")
    assert CAST_FIRST.search("x.to(torch.float64).to(device)")
    assert not CAST_FIRST.search("x.cpu().double()")
