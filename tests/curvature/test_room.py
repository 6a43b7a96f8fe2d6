"""Room is asked for before any product, and a basis on disk takes little memory."""

import contextlib
import os
import subprocess
import sys

import pytest
import torch

from condlab.curvature import condition_number
from condlab.machine import memory
from condlab.spectra import assemble, density, spectrum

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits are Linux's")


class Diagonal:
    """A diagonal matrix that counts its products."""

    dtype, device = torch.float64, torch.device("cpu")

    def __init__(self, n):
        self.shape, self.products = (n, n), 0
        self.diagonal = torch.linspace(-1, 3, n, dtype=torch.float64)

    def __matmul__(self, X):
        self.products += X.shape[1]
        return self.diagonal[:, None] * X


BIG = 20_000
NEEDY = {
    "assembly": (lambda H, _: assemble(H), "products"),
    "exact": (lambda H, _: spectrum(H, method="exact"), "lanczos"),
    "Lanczos": (
        lambda H, _: spectrum(H, method="lanczos", basis=900, num_matvecs=2000),
        "folder=",
    ),
    "eigenvectors": (
        lambda H, _: spectrum(H, basis=900, num_matvecs=2000, vectors=3),
        "folder=",
    ),
    "wide basis on disk": (
        lambda H, path: spectrum(H, basis=9000, num_matvecs=9000, folder=path),
        "basis",
    ),
    "condition": (lambda H, _: condition_number(H, num_matvecs=900), "num_matvecs"),
    "exact condition": (lambda H, _: condition_number(H, method="exact"), "lanczos"),
    "factored condition": (
        lambda H, _: condition_number(H, method="factored"),
        "lanczos",
    ),
    "density": (lambda H, _: density(H, num_matvecs=900), "num_matvecs"),
}


@pytest.fixture
def small_group(tmp_path, monkeypatch):
    """Put the process into a control group that has 16 MiB left."""
    group = tmp_path / "group" / "job"
    group.mkdir(parents=True)
    (group / "memory.max").write_text(f"{2**30}\n")
    (group / "memory.current").write_text(f"{2**30 - 2**24}\n")
    own = tmp_path / "proc" / "self"
    own.mkdir(parents=True)
    (own / "cgroup").write_text("0::/job\n")
    mount = f"31 23 0:28 / {group.parent} rw - cgroup2 cgroup2 rw\n"
    (own / "mountinfo").write_text(mount)
    monkeypatch.setattr(memory, "PROC", own.parent)


@pytest.mark.parametrize("name", NEEDY)
def test_a_group_without_room_is_seen_before_any_work(name, small_group, tmp_path):
    work, instead = NEEDY[name]
    H = Diagonal(BIG)
    with pytest.raises(MemoryError, match=rf"there; .*{instead}"):
        work(H, tmp_path)
    assert H.products <= 1  # the first tells the operator's scale


def test_what_fits_is_done_in_a_group_without_much_room(small_group, tmp_path):
    H = Diagonal(BIG)
    held = spectrum(H, num_matvecs=20)  # 20 vectors of the default basis of 128
    kept = spectrum(H, num_matvecs=150, basis=100, folder=tmp_path)
    assert held.values[-1] <= 3 + held.noise
    assert kept.values[-1] == pytest.approx(3, rel=1e-3)


LIMITED = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from tests.curvature.test_room import BIG, NEEDY, Diagonal
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + 2**25
resource.setrlimit(resource.RLIMIT_AS, (most, most))
for name, (work, _) in NEEDY.items():
    H = Diagonal(BIG)
    try:
        work(H, sys.argv[2])
    except MemoryError as error:
        if H.products <= 1 and " are there; " in str(error):
            print(name)
"""


@LINUX
def test_a_limit_of_the_process_is_seen_before_any_work(tmp_path, pytestconfig):
    command = [sys.executable, "-c", LIMITED, pytestconfig.rootpath, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == list(NEEDY), done.stderr


@contextlib.contextmanager
def tmpfs(place, size):
    """Mount a file system of so many bytes."""
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("mounting needs rights that this user lacks")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


DISKS = {
    "basis": lambda H, disk: spectrum(H, num_matvecs=200, basis=90, folder=disk),
    "its checkpoint": lambda H, disk: spectrum(
        H, num_matvecs=200, basis=90, checkpoint=disk / "basis"
    ),
    "assembly": lambda H, disk: assemble(H, checkpoint=disk / "rows"),
}


@LINUX
@pytest.mark.parametrize("name", DISKS)
def test_a_disk_without_room_is_seen_before_any_work(name, tmp_path):
    H = Diagonal(2000)
    with tmpfs(tmp_path, "300k") as disk:
        with pytest.raises(OSError, match=r"MiB of disk, and 0\.\d+ MiB are free"):
            DISKS[name](H, disk)
        assert not list(disk.iterdir())
    assert H.products == 0


FILE_SIZE = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from tests.curvature.test_room import DISKS, Diagonal
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
H = Diagonal(2000)
try:
    DISKS["basis"](H, sys.argv[2])
except OSError as error:
    print(H.products <= 1, "of disk" in str(error))
"""


@LINUX
def test_a_limit_of_a_files_size_is_an_error_and_python_lives(tmp_path, pytestconfig):
    command = [sys.executable, "-c", FILE_SIZE, pytestconfig.rootpath, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "True True\n", done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", DISKS)
def test_a_folder_that_is_not_there_is_named(name, tmp_path):
    H = Diagonal(250)
    with pytest.raises(NotADirectoryError, match="no/where"):
        DISKS[name](H, tmp_path / "no" / "where")
    assert H.products == 0


PEAK = """
import os, resource, sys
import torch
torch.set_num_threads(1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sys.path.insert(0, sys.argv[1])
from condlab.spectra import spectrum
from tests.curvature.test_room import Diagonal
found = spectrum(Diagonal(40_000), method="lanczos", num_matvecs=330, basis=300,
    rtol=0, folder=sys.argv[2])
assert abs(float(found.values[-1]) - 3) < 1e-3
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@LINUX
@pytest.mark.slow
def test_a_basis_on_disk_is_never_in_memory(tmp_path, pytestconfig):
    command = [sys.executable, "-c", PEAK, pytestconfig.rootpath, tmp_path]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= 150 < 2 * 300 * 40_000 * 8 / 2**20  # what it is in MiB
    assert not list(tmp_path.iterdir())
