__all__ = ["pack_host"]

def pack_host(host: tuple[str | bytes, int]) -> bytes:
    """An (address, port) pair as it lies in a record."""
