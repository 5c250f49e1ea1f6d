"""Headers of requests in place; its functions are for other native modules only."""

__all__: list[str] = []
