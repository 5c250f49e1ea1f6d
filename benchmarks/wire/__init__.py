"""The client on the wire, against a counting sink and a raw generator in C: see README.md."""
