"""Numbers in sentences."""


def numbered(n: int, noun: str) -> str:
    """Return a number and its noun, in the plural unless there is one."""
    return f"{n:,} {noun}{'s' * (n != 1)}"
