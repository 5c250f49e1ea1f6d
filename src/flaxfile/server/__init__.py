"""The server: one ROUTER socket, one thread for it, a pool for the disk."""
