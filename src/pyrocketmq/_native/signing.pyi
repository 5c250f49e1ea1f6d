__all__ = ["signed_content"]

def signed_content(ext_fields: dict[str, str], body: bytes | None = None, version: int = 513) -> bytes:
    """The values of all fields but the signature, in the order that Java gives their names; then the body.

    A request of version 399 (4.9.3) or below is checked without ``_UNIQUE_KEY_QUERY``, so it is left out.

    Raises:
        SerializationError: a field is no text, or cannot be written as UTF-8; ``field`` names it.
    """
