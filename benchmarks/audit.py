"""Put other libraries on trial, and write the record, the table and the pages.

    OMP_NUM_THREADS=1 python -m benchmarks.audit

What comes out is results/audit.json, docs/audit/, a part of docs/results.md and a
section of the report in figures/. All
subjects of the extra ``audit`` should be there, and primme, which has no wheels and
builds where LAPACK's development files are. ``--pages`` writes the pages of the record
that is there, without a trial.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

from condlab.audit import audit
from condlab.audit.records import record
from condlab.cli import _text
from condlab.report import audit as page
from condlab.report import pages, sections

HERE = Path(__file__).parent
RECORD = HERE / "results" / "audit.json"
DOCS = HERE.parent / "docs"
FIGURES = HERE.parent / "figures"
WORKERS = 2


def write_record() -> None:
    start = time.perf_counter()
    found = audit(progress=print, workers=WORKERS)
    wall = time.perf_counter() - start
    kept = json.loads(_text.as_json(record(found)))
    RECORD.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    busy = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = busy.ru_utime + busy.ru_stime
    print(f"{kept['pairs']} pairs in {wall:.0f} s, {own:.0f} s of one core")


def write_pages() -> None:
    kept = json.loads(RECORD.read_text())
    page.write_pages(kept, DOCS / "audit")
    pages.rewrite(DOCS / "results.md", {"audit": page.table(kept)})
    sections.write(page.section(kept), FIGURES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", action="store_true", help="of the record as it is")
    if not parser.parse_args().pages:
        write_record()
    write_pages()


if __name__ == "__main__":
    main()
