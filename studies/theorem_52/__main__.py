"""Run ``python -m studies.theorem_52 [NETWORKS]``."""

from __future__ import annotations

import sys

import joblib

from studies.theorem_52 import NETWORKS, main

if __name__ == "__main__":
    print(main(int((sys.argv[1:] or [str(NETWORKS)])[0]), jobs=joblib.cpu_count()))
