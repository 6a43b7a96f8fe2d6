"""What each record of benchmarks/results says about speed, as rows of one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

Record = Mapping[str, Any]  # as JSON has it: each benchmark's own, of free keys
CONDLAB = "condlab"


@dataclass(frozen=True)
class Row:
    """One piece of work: who takes how long, and what condlab aims at.

    ``ratio`` is condlab's figure over that of ``over``, a peer or the floor; without
    ``over`` the target is of the figure itself. Without a target it is for comparison.
    """

    work: str
    condlab: float
    target: float | None
    peers: Mapping[str, float | str] = field(default_factory=dict)
    floor: tuple[str, float] | None = None
    over: str | None = None
    ratio: float | None = None
    unit: str = "s"

    @property
    def measured(self) -> float:
        """What the target is about."""
        if self.over is None:
            return self.condlab
        if self.ratio is not None:
            return self.ratio
        base = dict([self.floor] if self.floor else []) | dict(self.peers)
        return self.condlab / float(base[self.over])

    @property
    def is_missed(self) -> bool:
        """Whether the figure, to the digits that are shown, is above the target."""
        if self.target is None:
            return False
        return float(f"{self.measured:.3g}") > self.target


class Curve(NamedTuple):
    """Work against size."""

    work: str
    size: str
    sizes: Sequence[float]
    seconds: Sequence[float]

    def exponent(self) -> float:
        """Return the slope of log seconds against log size, by least squares."""
        logs = np.log(np.array([self.sizes, self.seconds], dtype=float))
        return float(np.polyfit(logs[0], logs[1], 1)[0])

    def last_exponent(self) -> float:
        """Return the slope between the two largest sizes."""
        last = Curve(self.work, self.size, self.sizes[-2:], self.seconds[-2:])
        return last.exponent()


def starts(record: Record) -> Iterator[Row]:
    spent = {name: row["median"] for name, row in record["cpu_seconds"].items()}
    base = "NumPy, scipy.sparse, scipy.linalg"
    peers = {base: spent[base], "Python alone": spent["python"]}
    yield Row("import condlab", spent[CONDLAB], 1.2, peers, over=base)
    for name, seconds in spent.items():
        if name.startswith("condlab cond"):
            yield Row(name, seconds, 0.35, {"import of NumPy and SciPy": spent[base]})


def stacks(record: Record) -> Iterator[Row]:
    peer = "numpy.linalg.cond"
    for stack, norms in record["cpu_seconds"].items():
        for p, rows in norms.items():
            own, numpy = (rows[name]["median"] for name in (CONDLAB, peer))
            work = f"cond, p = {p}, brackets included, {stack}"
            target = 1.6 if "3 x 3" in stack else None
            yield Row(work, own, target, {peer: numpy}, over=peer)


def scalings(record: Record) -> Iterator[Row]:
    aims = {
        "dense": (1.55, "copy"),
        "rows": (2.5, "copy"),
        "columns": (0.33, "sklearn"),
    }
    for work, rows in record["cpu_seconds"].items():
        kind = "dense" if work.startswith("dense") else work.rpartition(" ")[2]
        spent = {name: row["median"] for name, row in rows.items()}
        floor, own = ("copy", spent.pop("copy")), spent.pop(CONDLAB)
        target, over = aims[kind]
        yield Row(f"scaling, {work}", own, target, spent, floor, over)
    if "ruiz" not in record:
        return
    spent = {name: row["median"] for name, row in record["ruiz"].items()}
    floor, own = ("copy", spent.pop("copy")), spent.pop(CONDLAB)
    yield Row("ruiz_scaling to 1e-8, csr, 10^6 rows", own, 80, spent, floor, "copy")


def growth_of_scalings(record: Record) -> Iterator[Curve]:
    spent = [row["median"] for row in record["growth"].values()]
    yield Curve("row scaling, csr", "rows", list(map(int, record["growth"])), spent)


def products(record: Record) -> Iterator[Row]:
    aims = {
        "product, MLP 784-256-256-10, batch 512": 1.02,
        "product, group-norm CNN, batch 128": 1.02,
    }
    for work, target in aims.items():
        rows = record[work]
        peers = seconds_of(rows, without=(CONDLAB, "gradient"))
        peers |= dict.fromkeys(rows["failed"], "fails")
        ratio = rows[CONDLAB]["ratio"] / rows["PyHessian"]["ratio"]
        floor = ("a gradient", rows["gradient"]["seconds"])
        own = rows[CONDLAB]["seconds"]
        yield Row(f"Hessian {work}", own, target, peers, floor, "PyHessian", ratio)
    yield from hessians(record)


def hessians(record: Record) -> Iterator[Row]:
    rows = record["50 Lanczos steps, MLP 784-256-256-10"]
    name = "curvlinops fast_lanczos"
    yield Row(
        "50 Lanczos steps, MLP 784-256-256-10",
        rows[CONDLAB]["seconds"],
        0.7,
        seconds_of(rows, without=(CONDLAB,)),
        over=name,
        ratio=1 / rows[name]["ratio"],
    )
    rows = record["kappa, 9,842 parameters"]
    peer = "assembly and eigvalsh"
    yield Row(
        "kappa of a Hessian, 9,842 parameters",
        rows["condlab factored"]["seconds"],
        0.33,
        {peer: rows[peer]["seconds"]},
        over=peer,
    )


def seconds_of(rows: Record, without: Sequence[str]) -> dict[str, float | str]:
    return {
        name: row["seconds"]
        for name, row in rows.items()
        if isinstance(row, dict) and "seconds" in row and name not in without
    }


def steps(record: Record) -> Iterator[Row]:
    for network, found in record.items():
        if "training" not in found:
            continue
        rows, memory = found["training"], found["peak_megabytes"]
        yield Row(
            f"a conditioned training step, {network}",
            rows["conditioned"]["seconds"],
            1.03,
            seconds_of(rows, without=("conditioned",)),
            over="plain",
            ratio=rows["conditioned"]["ratio"],
        )
        own = memory["conditioned"]
        peers = {name: mb for name, mb in memory.items() if name != "conditioned"}
        work = f"memory of that step, {network}"
        yield Row(work, own, 1.01, peers, over="plain", unit="MB")


def optima(record: Record) -> Iterator[Row]:
    for size, target in (("1000", 9.0), ("2000", 70.0)):
        own = record["random"][size][CONDLAB]["cpu_seconds"]
        peers = {"Clarabel, SCS": "no answer in 120 s beyond n = 100"}
        yield Row(f"optimal_scaling, dense, n = {size}", own, target, peers)


def growth_of_optima(record: Record) -> Iterator[Curve]:
    found = {int(n): row[CONDLAB]["cpu_seconds"] for n, row in record["random"].items()}
    yield Curve("optimal_scaling, dense", "n", list(found), list(found.values()))
    times = record["equilibration_milliseconds"]
    grids = [row for name, row in times.items() if name.startswith("laplacian")]
    sizes = [row["nonzeros"] for row in grids]
    for name in ("row", "ruiz"):
        spent = [row[name] / 1e3 for row in grids]
        yield Curve(f"{name} scaling, grids", "nonzeros", sizes, spent)


def growth_of_brackets(record: Record) -> Iterator[Curve]:
    found = record["milliseconds"]
    spent = [row[CONDLAB] / 1e3 for row in found.values()]
    yield Curve("cond_2, dense, with its proof", "n", list(map(int, found)), spent)


def estimates(record: Record) -> Iterator[Row]:
    for problem, found in record["problems"].items():
        spent = {
            name: row["cpu_seconds"] if row.get("error", 1) < 0.01 else outcome(row)
            for name, row in found["methods"].items()
        }
        own = float(spent.pop(CONDLAB))
        right = {n: v for n, v in spent.items() if isinstance(v, float)}
        best = min(right, key=right.__getitem__) if right else None
        work = f"estimate_cond_2, {problem}, order {record['order']:,}"
        yield Row(work, own, 1.0, spent, over=best)


def outcome(row: Record) -> str:
    if row["outcome"] == "ok":
        return "off by more than 1 %"
    return str(row["outcome"]).partition(": ")[2] or row["outcome"]


def brackets(record: Record) -> Iterator[Row]:
    for size, target in (("500", 2.5), ("1000", None)):
        row, peer = record["milliseconds"][size], "numpy.linalg.cond"
        work, numpy = f"cond_2 with a proven bracket, n = {size}", row["numpy"] / 1e3
        yield Row(work, row[CONDLAB] / 1e3, target, {peer: numpy}, over=peer)


def networks(record: Record) -> Iterator[Row]:
    work = "torchcrepe 0.0.24, full"
    spent = {name: row["cpu_seconds"] for name, row in record[work].items()}
    own, floor = spent.pop("condlab, kappas"), spent.pop("floor")
    peers = {n: s for n, s in spent.items() if not n.startswith(CONDLAB)}
    floor_row = ("Gram matrices alone", floor)
    work = f"kappa of every layer, {work}"
    yield Row(work, own, None, peers, floor_row, floor_row[0])


def tokens(rows: Record) -> Iterator[Row]:
    peer, gradient = "retained graph", "gradient"
    for name in (CONDLAB, "condlab, memory=4e8"):
        own = rows[name]
        work = "cross-entropy of 50,000 classes, 2,048 tokens"
        work += name.removeprefix(CONDLAB)
        spent, sizes = (
            {f"a {other}": rows[other][kind] for other in (peer, gradient)}
            for kind in ("seconds", "megabytes")
        )
        yield Row(f"product, {work}", own["seconds"], 0.97, spent, over=f"a {peer}")
        yield Row(f"memory, {work}", own["megabytes"], 1200, sizes, unit="MB")
        one = {"one product": own["seconds"]}
        yield Row(f"making the operator, {work}", own["making"], None, one)


def large(record: Record) -> Iterator[Row]:
    yield from tokens(record["tokens"])
    own, floor = record["sparse rows"][CONDLAB], "the matrix"
    sizes = {floor: own["matrix_megabytes"]}
    held = own["times_matrix"] * sizes[floor]
    work = "memory to scale rows of 10^8 entries"
    yield Row(work, held, 3, sizes, over=floor, unit="MB")
    spent = {name: row["seconds"] for name, row in record["laplacian"].items()}
    taken, before = spent.pop(CONDLAB), next(iter(spent), None)
    work, target = "estimate_cond_2, Laplacian, order 10^6", 0.5 if spent else None
    yield Row(work, taken, target, spent, over=before)
    spent = {name: row["seconds"] for name, row in record["lanczos"].items()}
    taken, work = spent.pop("in files"), "60 Lanczos steps in files, order 2·10^6"
    yield Row(work, taken, 1.3, spent, over="in memory")
    clock = record["report"][CONDLAB]["wall_seconds"]
    yield Row("condlab report, two processes, by the clock", clock, 60)


def growth_of_large(record: Record) -> Iterator[Curve]:
    size_of = {
        "Hessian product, MLP of three layers": "width",
        "Lanczos, order 300,000": "steps",
        "estimate_cond_2, Laplacian": "points a side",
        "the report's search": "claims",
    }
    for work, found in record["growth"].items():
        yield Curve(work, size_of[work], list(map(int, found)), list(found.values()))


ROWS: Mapping[str, Callable[[Record], Iterator[Row]]] = {
    "starting": starts,
    "stacks": stacks,
    "equilibrate": scalings,
    "hessian": products,
    "training_step": steps,
    "optimal_scaling": optima,
    "estimate_cond_2": estimates,
    "brackets": brackets,
    "weights": networks,
    "large": large,
}
CURVES: Mapping[str, Callable[[Record], Iterator[Curve]]] = {
    "equilibrate": growth_of_scalings,
    "optimal_scaling": growth_of_optima,
    "brackets": growth_of_brackets,
    "large": growth_of_large,
}
