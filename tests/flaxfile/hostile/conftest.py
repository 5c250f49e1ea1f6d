"""The same servers and clients, on one kind of event loop: what is tested here is not the loop."""

from __future__ import annotations

from tests.flaxfile.serving import client, server, store

__all__ = ["client", "server", "store"]
