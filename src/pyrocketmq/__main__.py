"""``python -m pyrocketmq``: the command line. Must not know any command."""

from __future__ import annotations

import sys

from pyrocketmq.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
