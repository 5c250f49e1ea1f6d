__all__: list[str] = []

class RequestTaker:
    """Serves some requests of a peer without a command being built."""
