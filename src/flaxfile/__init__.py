"""FlaxFile: file transfer and directory sync over ZeroMQ, on one TCP port."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "2.0.0"
