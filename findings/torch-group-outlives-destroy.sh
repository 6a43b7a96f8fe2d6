#!/usr/bin/env bash
# torch's destroy_process_group leaves the group alive, with its gloo threads, where
# torch.distributed.nn.functional was first imported while the group was there: ten of its
# functions take the default group of that moment for the default of an argument, and keep
# it. torch._dynamo is one that imports it. The threads then run on while Python ends; we
# saw processes whose work was done end with SIGABRT ("terminate called without an active
# exception"), seldom. Imported before init_process_group, it keeps nothing. One would have
# guessed that the group is gone once it is destroyed.
#
# Exits 0 while that is so, 1 once it has changed. Linux (it counts threads in /proc).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6
cat > "$folder/left.py" <<'PYTHON'
import sys
from pathlib import Path

import torch
import torch.distributed as dist

if sys.argv[1] == "before":
    import torch._dynamo
dist.init_process_group(
    "gloo", store=dist.FileStore(sys.argv[2], 1), rank=0, world_size=1
)
dist.all_reduce(torch.ones(3))
import torch._dynamo

dist.destroy_process_group()
names = [task.read_text().strip() for task in Path("/proc/self/task").glob("*/comm")]
left = sum("gloo" in name for name in names)
print(f"torch {torch.__version__}, torch._dynamo imported {sys.argv[1]}",
      f"init_process_group: {left} gloo threads after destroy_process_group")
sys.exit(0 if (left > 0) == (sys.argv[1] == "after") else 1)
PYTHON
for when in before after; do
    "$folder/venv/bin/python" "$folder/left.py" "$when" "$folder/store-$when"
done
