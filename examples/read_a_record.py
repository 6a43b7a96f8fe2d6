"""Read the committed records of a study, and compare two of its arms."""

import statistics
from pathlib import Path

from studies.engine.store import read_records

path = Path(__file__).parents[1] / "studies" / "results" / "vit" / "real.jsonl"
records = read_records(path)  # a damaged line would be named
config = records[0]["config"]
print(f"{len(records)} runs of {config['steps']} steps on {config['data']}")
for arm in ("LN", "LN+E"):
    best: dict[float, list[float]] = {}
    for record in records:
        if record["config"]["arm"] == arm and record["status"] == "done":
            last = float(record["series"]["accuracy"][-1][1])
            best.setdefault(record["config"]["lr"], []).append(last)
    rate, found = max(best.items(), key=lambda item: statistics.mean(item[1]))
    mean = statistics.mean(found)
    print(
        f"{arm}: test accuracy {mean:.3f} at its best rate, {rate:g} (n = {len(found)})"
    )
