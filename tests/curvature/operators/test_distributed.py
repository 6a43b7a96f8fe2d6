"""Two processes give the eigenvalues of one."""

import subprocess
import sys
import textwrap

import pytest
import torch

from condlab.curvature import HessianOperator, example, make_loss
from condlab.spectra import spectrum

SCRIPT = """
import sys
from pathlib import Path
import torch, torch.distributed as dist
from condlab.curvature import (
    DataParallel, HessianOperator, condition_number, example, make_loss, output_shift,
)
from condlab.spectra import spectrum, trace

torch.set_num_threads(1)
dist.init_process_group("gloo")
rank = dist.get_rank()
net, criterion, batches = example("mlp")  # 64 and 32 samples: one batch each
params = dict(net.named_parameters())
loss = make_loss(net, criterion)
mine = batches[rank]
H = DataParallel(HessianOperator(loss, params, [mine]), len(mine[1]))
shift = output_shift(H.params, "4.weight", "4.bias")
few = spectrum(H, method="lanczos", num_matvecs=60, rtol=0)
found = {
    "exact": spectrum(H, method="exact").values,
    "trace": trace(H, num_matvecs=1 + H.shape[0]).value,
    "scipy": torch.from_numpy(H.to_scipy() @ H.gradient().numpy()),
    "few": few.values[[0, -1]],
    "gradient": H.gradient(),
    "nullity": condition_number(H, method="exact", invariances=[shift]).null_sources,
}
params["0.bias"] = params["0.bias"] + rank
try:
    DataParallel(HessianOperator(loss, params, [mine]), 1.0)
except ValueError as error:
    found["refused"] = str(error)
dist.barrier()  # so that nobody listens to one that has left
dist.destroy_process_group()
tasks = Path("/proc/self/task").glob("*/comm")  # none but on Linux
found["threads"] = [task.read_text().strip() for task in tasks]
torch.save(found, f"{sys.argv[1]}/{rank}.pt")
"""


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    script = folder / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*torchrun, "--nproc-per-node", "2", str(script), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:6000]
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


@pytest.fixture(scope="module")
def alone():
    net, criterion, batches = example("mlp")
    params = dict(net.named_parameters())
    return HessianOperator(make_loss(net, criterion), params, batches)


def test_two_processes_give_the_eigenvalues_of_one(ranks, alone):
    values = spectrum(alone, method="exact").values
    size = float(values.abs().max())
    for found in ranks:
        assert float((found["exact"] - values).abs().max()) < 1e-10 * size
        assert float((found["few"] - values[[0, -1]]).abs().max()) < 1e-8 * size
        torch.testing.assert_close(found["gradient"], alone.gradient())


def test_trace_and_scipy_products_are_those_of_one(ranks, alone):
    values = spectrum(alone, method="exact").values
    product = alone @ alone.gradient()
    for found in ranks:
        assert found["trace"] == pytest.approx(float(values.sum()), rel=1e-10)
        torch.testing.assert_close(found["scipy"], product)


def test_both_processes_have_the_same_bits(ranks):
    for key in ("exact", "few", "gradient", "scipy"):
        assert torch.equal(ranks[0][key], ranks[1][key])


def test_null_directions_are_verified_over_all_the_data(ranks):
    assert all(found["nullity"] == {"softmax shift": 13} for found in ranks)


def test_processes_at_different_parameters_are_refused(ranks):
    assert all("the same parameters" in found["refused"] for found in ranks)


def test_no_thread_of_a_group_outlives_it(ranks):
    """One that does may abort a process that leaves: torch waits for none."""
    assert not [name for found in ranks for name in found["threads"] if "gloo" in name]
