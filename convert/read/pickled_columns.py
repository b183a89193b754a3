"""Read how a pickled ColumnTransformer orders its columns, from the pickle's opcodes alone.

Only strings and whole numbers are read; nothing is constructed or imported.
"""

import pickletools
from collections.abc import Iterator
from itertools import pairwise

INDICES = "_transformer_to_input_indices"
NAMES = "feature_names_in_"
LONGEST = 1_000
# Opcodes that build a dictionary of lists.
STRUCTURE = {"EMPTY_DICT", "EMPTY_LIST", "MARK", "APPEND", "APPENDS"}
ENDS = {"SETITEM", "SETITEMS"}

Opcode = tuple[str, object]


def column_order(content: bytes, names: tuple[str, ...]) -> tuple[int, ...] | None:
    """Return, for each output column of the transformer, the position of its input in `names`.

    None unless there is exactly one transformer, fitted on `names` in this order, that outputs
    every input once and calls no user-defined function.
    """
    try:
        opcodes = list(_resolved(content))
    except ValueError:
        return None
    strings = [value for _, value in opcodes]
    if strings.count(INDICES) != 1 or NAMES not in strings or _own_function(opcodes):
        return None
    order = _numbers(opcodes[strings.index(INDICES) + 1 :])
    trained = _strings(opcodes[strings.index(NAMES) + 1 :])
    whole = sorted(order) == list(range(len(names)))
    return order if whole and trained == names else None


def _resolved(content: bytes) -> Iterator[Opcode]:
    """Yield (opcode, its string or number), with memo references resolved."""
    memo: list[object] = []
    last: object = None
    for opcode, value, _ in pickletools.genops(content):
        if opcode.name == "MEMOIZE":
            memo.append(last)
            continue
        if opcode.name in ("BINGET", "LONG_BINGET") and isinstance(value, int):
            last = memo[value] if value < len(memo) else None
            yield "GET", last
            continue
        last = value if isinstance(value, str) and len(value) < LONGEST else None
        yield opcode.name, value if isinstance(value, int) else last


def _own_function(opcodes: list[Opcode]) -> bool:
    pairs = pairwise(opcodes)
    return any(one[1] == "func" and other[0] != "NONE" for one, other in pairs)


def _numbers(opcodes: list[Opcode]) -> tuple[int, ...]:
    """Join the lists in a dictionary; empty if it holds anything else."""
    found: list[int] = []
    for name, value in opcodes:
        if name in ENDS:
            return tuple(found)
        if isinstance(value, int) and name.startswith("BININT"):
            found.append(value)
        elif name not in STRUCTURE and not isinstance(value, str):
            return ()
    return ()


def _strings(opcodes: list[Opcode]) -> tuple[str, ...]:
    """Return the first list of strings."""
    start = next((i for i, each in enumerate(opcodes) if each[0] == "EMPTY_LIST"), len(opcodes))
    found: list[str] = []
    for name, value in opcodes[start + 2 :]:
        if name == "APPENDS" or not isinstance(value, str):
            break
        found.append(value)
    return tuple(found)
