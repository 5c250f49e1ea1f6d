"""A JSON scanner; its functions are for other native modules only."""

__all__: list[str] = []
