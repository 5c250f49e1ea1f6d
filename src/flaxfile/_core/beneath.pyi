"""Opens a folder below another one in one call of the system, through no link: openat2 of newer Linux.

Knows nothing of keys. Where the system has no such call, ENOSYS says so.
"""

__all__ = ["open_beneath"]

def open_beneath(folder: int, path: str) -> int:
    """Return a descriptor of the folder at this path below an opened one; no part of it may be a link."""
