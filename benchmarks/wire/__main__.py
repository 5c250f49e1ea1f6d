"""`python -m benchmarks.wire`: see `benchmarks.wire.run`."""

from __future__ import annotations

import sys

from .run import main

sys.exit(main())
