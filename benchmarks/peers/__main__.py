"""`python -m benchmarks.peers`: see `benchmarks.peers.run`."""

from __future__ import annotations

import sys

from .run import main

sys.exit(main())
