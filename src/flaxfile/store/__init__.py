"""Files by key, part files, listings. Knows nothing of sockets."""
