"""`python -m condlab` is the same as `condlab`."""

import sys

from condlab.cli import main

if __name__ == "__main__":
    sys.exit(main())
