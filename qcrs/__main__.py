"""``python -m qcrs``: the command line."""

import sys

from qcrs.cli import main

sys.exit(main())
