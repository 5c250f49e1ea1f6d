"""Our producer beside the clients of other languages, on a counting sink and a real broker: see README.md."""
