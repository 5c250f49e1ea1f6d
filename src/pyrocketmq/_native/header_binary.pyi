"""The binary header codec; its functions are for other native modules only."""

__all__: list[str] = []
