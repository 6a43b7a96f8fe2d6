"""A program of several processes that share a Lanczos basis; each writes what it saw.

Called with a folder, what to do, this process's number and how many there are.
"""

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from condlab.machine import memory
from condlab.machine.ranks import Ranks
from condlab.spectra import assemble, spectrum
from condlab.spectra._products import Products
from condlab.spectra.lanczos.block_lanczos import block_lanczos
from condlab.spectra.lanczos.krylov import Basis
from tests.spectra.matrices import SPECTRA, rotated

SEVERAL = [*((name, 1) for name in SPECTRA), ("repeated", 3), ("graded", 3)]
BUDGETS = (30, 60)  # products after which a run is cut off, and with which it ends


class Parts:
    """A matrix as the sum of parts that processes have; one product may go wrong."""

    def __init__(self, A, ranks, wrong=None, at=5):
        weights = torch.arange(1, ranks.count + 1, dtype=A.dtype)
        self.A = A * weights[ranks.rank] / weights.sum()
        self.shape, self.dtype, self.device = A.shape, A.dtype, A.device
        self.ranks, self.left = ranks, at
        self.wrong = wrong if ranks.rank == 1 else None

    def __matmul__(self, X):
        self.left -= 1
        with self.ranks.heard():
            if self.wrong is not None and self.left == 0:
                self.wrong()
            part = self.A @ X
        return self.ranks.total(part)


def looked_at(H, size, block, **options):
    basis = Basis(Products(H), size, block, torch.Generator().manual_seed(2), **options)
    block_lanczos(basis, num_matvecs=40)
    V = basis.V[: basis.k]
    pairs = basis.ritz()
    return {
        "values": pairs.values,
        "residuals": pairs.residuals,
        "smallest": basis.smallest(0),
        "vectors": basis.combined(pairs.coefficients),
        "gap": float((V @ V.T - torch.eye(basis.k, dtype=V.dtype)).abs().max()),
        "columns": basis.V.own.length if hasattr(basis.V, "own") else H.shape[0],
    }


def resumed(A, ranks, folder):
    """Return values of a run that was cut off, of one that was not, and of the rest."""
    path, options = folder / "basis", {"method": "lanczos", "basis": 16, "rtol": 0}
    first, last = BUDGETS
    spectrum(Parts(A, ranks), num_matvecs=first, checkpoint=path, **options)
    taken = spectrum(Parts(A, ranks), num_matvecs=last, checkpoint=path, **options)
    whole = spectrum(Parts(A, ranks), num_matvecs=last, **options)
    assembled = assemble(Parts(A, ranks), checkpoint=folder / "matrix")
    return {"taken": taken.values, "whole": whole.values, "assembled": assembled}


def refused(work):
    try:
        work()
    except (ValueError, OSError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def everything(ranks, folder):
    found = {}
    for name, block in SEVERAL:
        H = Parts(rotated(SPECTRA[name]), ranks)
        found[name, block] = looked_at(H, 12, block)
    A = rotated(torch.linspace(-1, 3, 90, dtype=torch.float64))
    found["disk"] = looked_at(Parts(A, ranks), 12, 1, folder=folder)
    one = Parts(rotated(SPECTRA["one by one"]), ranks)
    found["one number"] = looked_at(one, 12, 1, folder=folder)
    found["memory"] = looked_at(Parts(A, ranks), 12, 1)
    found["resumed"] = resumed(A, ranks, folder)
    found["raised"] = refused(lambda: spectrum(Parts(A, ranks, wrong=raises)))
    found["gathered"] = refused(lambda: gathers(ranks))
    seed = torch.Generator().manual_seed(ranks.rank)
    found["seeds"] = refused(
        lambda: spectrum(Parts(A, ranks), generator=seed, method="lanczos")
    )
    missing = folder if ranks.rank == 0 else folder / "missing"
    found["disk of one"] = refused(
        lambda: spectrum(Parts(A, ranks), folder=missing, method="lanczos")
    )
    (folder / "broken").write_bytes(b"no checkpoint")
    found["broken"] = refused(
        lambda: spectrum(
            Parts(A, ranks), checkpoint=folder / "broken", method="lanczos"
        )
    )
    if ranks.rank == 1:  # a container of one process is nearly full
        memory._machine = lambda proc: 9000
    found["method of all"] = spectrum(Parts(A[:20, :20], ranks), basis=4).method
    found["room of one"] = refused(
        lambda: spectrum(Parts(A, ranks), method="lanczos", num_matvecs=50)
    )
    return found


def gathers(ranks):
    with ranks.heard():
        if ranks.rank == 1:
            raises()
        return ranks.gathered(ranks.rank)


def raises():
    raise ZeroDivisionError("the data of rank 1 are wrong")


def dies():
    os._exit(1)


def hangs():
    time.sleep(30)
    os._exit(1)


def main(folder, what, rank, world):
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        store=dist.FileStore(str(folder / "store"), world),
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=3 if what == "hangs" else 60),
    )
    ranks = Ranks()
    if what == "everything":
        torch.save(everything(ranks, folder), folder / f"{rank}.pt")
        dist.destroy_process_group()
        return
    A = rotated(torch.linspace(-1, 3, 90, dtype=torch.float64))
    H = Parts(A, ranks, wrong={"dies": dies, "hangs": hangs}[what])
    said = refused(lambda: spectrum(H, method="lanczos"))
    (folder / f"{rank}.txt").write_text(str(said))
    os._exit(0)  # a group that lost a member may not end


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
