"""`python -m vfi_flow` is the command `vfi-flow`, also where that is not found."""

import sys

from vfi_flow.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
