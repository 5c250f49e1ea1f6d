__all__ = ["guess_peer"]

def guess_peer(first: bytes) -> tuple[str, str] | None:
    """The likely cause and the advice for bytes that are no frames; None when they may be some."""
