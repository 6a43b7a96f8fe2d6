"""A run that is killed at any moment takes up and gives the same numbers."""

import random
import signal
import subprocess
import sys
import time

import pytest
import torch

SCRIPT = """
import sys, time
import torch
from condlab.spectra import assemble, spectrum

torch.set_num_threads(1)
folder = sys.argv[1]

class Slow:
    shape, dtype, device = (150, 150), torch.float64, torch.device("cpu")
    def __matmul__(self, X):
        time.sleep(0.004 * X.shape[1] if sys.argv[2] == "slow" else 0)
        return torch.linspace(-2, 9, 150, dtype=torch.float64)[:, None] ** 3 * X

H = Slow()
open(f"{folder}/started", "w").close()
A = assemble(H, chunk=4, checkpoint=f"{folder}/rows")
options = {"method": "lanczos", "num_matvecs": 140, "basis": 16, "rtol": 0}
found = spectrum(H, checkpoint=f"{folder}/basis", **options)
torch.save({"A": A, "values": found.values, "radii": found.radii}, f"{folder}/done")
"""


def kill_after(folder, seconds):
    """Start a slow run, and kill it so long after its work began."""
    (folder / "started").unlink(missing_ok=True)
    command = [sys.executable, "-c", SCRIPT, str(folder), "slow"]
    run = subprocess.Popen(command)
    while not (folder / "started").exists() and run.poll() is None:
        time.sleep(0.01)
    time.sleep(seconds)
    run.send_signal(signal.SIGKILL)
    run.wait()


def finish(folder, monkeypatch):
    """Run to the end at full speed, in this process."""
    monkeypatch.setattr(sys, "argv", ["", str(folder), "fast"])
    exec(SCRIPT, {})
    return torch.load(folder / "done")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_run_resumes_to_the_same_numbers(tmp_path, monkeypatch):
    (killed := tmp_path / "killed").mkdir()
    (whole := tmp_path / "whole").mkdir()
    moments = random.Random()  # any moment; the failure prints which
    seconds = [moments.uniform(0.2, 0.5), moments.uniform(0.3, 0.9)]
    took_up = []
    for delay in seconds:
        kill_after(killed, delay)
        took_up += [name for name in ("rows", "basis") if (killed / name).exists()]
    found, expected = (finish(folder, monkeypatch) for folder in (killed, whole))
    assert took_up, seconds
    for key, value in expected.items():
        assert torch.equal(found[key], value), (key, seconds, took_up)
