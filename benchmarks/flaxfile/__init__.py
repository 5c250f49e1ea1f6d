"""FlaxFile beside its predecessor, raw ZeroMQ, sendfile, rsync and cp, in one interleaved run."""
