"""Plain sends and pulls, and their answers; its functions are for other native modules only."""

__all__: list[str] = []
