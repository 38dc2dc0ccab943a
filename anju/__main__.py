"""`python -m anju`."""

import sys

from anju.cli import main

if __name__ == "__main__":
    sys.exit(main())
