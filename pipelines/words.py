"""How a number is said."""


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 day``, ``2 days``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
