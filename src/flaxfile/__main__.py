"""``python -m flaxfile``."""

from __future__ import annotations

import sys

from flaxfile.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
