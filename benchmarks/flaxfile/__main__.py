"""`python -m benchmarks.flaxfile`: see `benchmarks.flaxfile.run`."""

from __future__ import annotations

import sys

from .run import main

sys.exit(main())
