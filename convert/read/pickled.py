"""Read a pickle as plain data: its opcodes are followed, but nothing is imported or called.

What would become an object is a `PickledObject`: the callable, its arguments and its state.
"""

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MARK = object()
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "NEXT_BUFFER": None}
EMPTY: dict[str, Callable[[], Any]] = {
    "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple, "EMPTY_SET": list,
}  # fmt: skip
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
NOTHING = {"PROTO", "FRAME", "READONLY_BUFFER", "STOP"}
JOBLIB = "joblib.numpy_pickle.NumpyArrayWrapper"
# What following a damaged or unusual pickle may raise.
DAMAGE = (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(eq=False)
class PickledObject:
    """An object that the pickle would make; `name` is `module.class`, `items` was put into it."""

    name: str
    args: Any = ()
    state: Any = None
    items: list[Any] = field(default_factory=list)
    after: Any = None  # for joblib's arrays: the bytes, or the list of objects


def read_pickle(content: bytes) -> tuple[Any, list[PickledObject]]:
    """Return what a pickle holds, and all its objects in the file's order.

    Raises ValueError if it cannot be followed.
    """
    machine = _Machine(io.BytesIO(content))
    try:
        return machine.run(), machine.things
    except DAMAGE as error:
        raise ValueError(f"a pickle that cannot be followed: {error}") from error


class _Machine:
    def __init__(self, file: io.BytesIO, things: list[PickledObject] | None = None) -> None:
        self._file = file
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self.things: list[PickledObject] = [] if things is None else things

    def run(self) -> Any:
        for opcode, argument, _ in pickletools.genops(self._file):
            self._step(opcode.name, argument)
        return self._stack[-1]

    def _step(self, name: str, argument: Any) -> None:
        if name in NOTHING:
            return
        if name in CONSTANTS or name in EMPTY:
            self._stack.append(EMPTY[name]() if name in EMPTY else CONSTANTS[name])
        elif name in TUPLES:
            self._stack.append(tuple(self._pop(TUPLES[name])))
        elif method := getattr(self, f"_{name.lower()}", None):
            method(argument)
        elif argument is not None:
            self._stack.append(argument)  # a number, a text, bytes
        else:
            raise ValueError(f"opcode {name}")

    def _pop(self, count: int) -> list[Any]:
        found = self._stack[-count:]
        if len(found) < count:
            raise ValueError("the stack is empty")
        del self._stack[-count:]
        return found

    def _to_mark(self) -> list[Any]:
        at = len(self._stack) - 1 - self._stack[::-1].index(MARK)
        found = self._stack[at + 1 :]
        del self._stack[at:]
        return found

    def _make(self, name: Any, args: Any) -> None:
        named = name.name if isinstance(name, PickledObject) else str(name)
        if named.endswith(".__newobj__") or named.endswith("._reconstructor"):
            named, args = args[0].name, args[1:]  # object construction in protocols 0 and 1
        made = PickledObject(named, args)
        self.things.append(made)
        self._stack.append(made)

    def _mark(self, _: Any) -> None:
        self._stack.append(MARK)

    def _pop_mark(self, _: Any) -> None:
        self._to_mark()

    def _dup(self, _: Any) -> None:
        self._stack.append(self._stack[-1])

    def _tuple(self, _: Any) -> None:
        self._stack.append(tuple(self._to_mark()))

    def _list(self, _: Any) -> None:
        self._stack.append(self._to_mark())

    _frozenset = _list

    def _dict(self, _: Any) -> None:
        values = self._to_mark()
        self._stack.append({})
        self._put_pairs(values)

    def _append(self, _: Any) -> None:
        self._extend(self._pop(1))

    def _appends(self, _: Any) -> None:
        self._extend(self._to_mark())

    _additems = _appends

    def _extend(self, values: list[Any]) -> None:
        top = self._stack[-1]
        (top.items if isinstance(top, PickledObject) else top).extend(values)

    def _setitem(self, _: Any) -> None:
        self._put_pairs(self._pop(2))

    def _setitems(self, _: Any) -> None:
        self._put_pairs(self._to_mark())

    def _put_pairs(self, values: list[Any]) -> None:
        top = self._stack[-1]
        pairs = list(zip(values[::2], values[1::2], strict=True))
        if isinstance(top, PickledObject):
            top.items.extend(pairs)
        else:
            top.update(pairs)

    def _memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _put(self, place: Any) -> None:
        self._memo[int(place)] = self._stack[-1]

    _binput = _long_binput = _put

    def _get(self, place: Any) -> None:
        self._stack.append(self._memo[int(place)])

    _binget = _long_binget = _get

    def _global(self, name: Any) -> None:
        self._stack.append(PickledObject(str(name).replace(" ", ".")))

    def _stack_global(self, _: Any) -> None:
        module, name = self._pop(2)
        self._stack.append(PickledObject(f"{module}.{name}"))

    def _reduce(self, _: Any) -> None:
        self._make(*self._pop(2))

    _newobj = _reduce

    def _newobj_ex(self, _: Any) -> None:
        name, args, named = self._pop(3)
        self._make(name, (*args, named))

    def _inst(self, name: Any) -> None:
        self._make(str(name).replace(" ", "."), tuple(self._to_mark()))

    def _obj(self, _: Any) -> None:
        name, *args = self._to_mark()
        self._make(name, tuple(args))

    def _persid(self, name: Any) -> None:
        self._make("persistent id", (name,))

    def _binpersid(self, _: Any) -> None:
        self._make("persistent id", tuple(self._pop(1)))

    def _build(self, _: Any) -> None:
        (state,) = self._pop(1)
        top = self._stack[-1]
        if isinstance(top, PickledObject):
            top.state = state
            if top.name == JOBLIB:
                self._read_joblib(top)

    def _read_joblib(self, wrapper: PickledObject) -> None:
        """Read an array's bytes, which joblib writes directly after the opcodes that
        describe it.
        """
        kind = plain_dtype(wrapper.state["dtype"])
        if kind is None:
            wrapper.after = _Machine(self._file, self.things).run()
            return
        if wrapper.state.get("numpy_array_alignment_bytes") is not None:
            self._file.read(self._file.read(1)[0])
        count = int(np.prod([int(size) for size in wrapper.state["shape"]], dtype=object))
        wrapper.after = self._file.read(count * kind.itemsize)


def plain_dtype(described: Any) -> "np.dtype[Any] | None":
    """Return the numpy dtype for one described in a pickle; None for objects.

    Raises ValueError for anything but numbers, booleans, text and objects.
    """
    code = str(described.args[0])
    if code[:1] == "O":
        return None
    if code[:1] not in "biufcUSmM" or not code[1:].isdigit():
        raise ValueError(f"dtype {code}")
    swapped = bool(described.state) and described.state[1] == ">"
    return np.dtype(code).newbyteorder(">" if swapped else "<")


def values_of(array: Any) -> list[Any] | None:
    """Return the values of a pickled numpy array or list; None for anything else."""
    if isinstance(array, list):
        return array
    if not isinstance(array, PickledObject):
        return None
    try:
        return _values(array)
    except DAMAGE:
        return None


def _parts(array: PickledObject) -> tuple[Any, Any]:
    """Return what describes an array's dtype, and its data; None twice for anything else."""
    name = array.name.rpartition(".")[2]
    if array.name == JOBLIB:
        return array.state["dtype"], array.after
    if name == "_reconstruct":
        return array.state[2], array.state[4]
    return (array.args[1], array.args[0]) if name == "_frombuffer" else (None, None)


def _values(array: PickledObject) -> list[Any] | None:
    kind, data = _parts(array)
    if kind is None:
        return None
    if not isinstance(data, bytes | bytearray | PickledObject):
        return values_of(data)
    plain = plain_dtype(kind)
    if plain is not None and plain.kind in "mM":
        return None  # dates need their unit, which is stored elsewhere
    if plain is None:
        return values_of(data)
    found: list[Any] = np.frombuffer(_bytes(data), plain).tolist()
    return found


def dtype_of(array: Any) -> "np.dtype[Any] | None":
    """Return the dtype of an array, also of a pickled one; None for objects and anything else."""
    if isinstance(array, np.ndarray):
        found: np.dtype[Any] = array.dtype
        return found
    try:
        kind, _ = _parts(array)
        return None if kind is None else plain_dtype(kind)
    except DAMAGE:
        return None


def number_of(scalar: Any) -> float:
    """Return a number, plain or pickled by numpy; raises one of `DAMAGE` for anything else."""
    if isinstance(scalar, PickledObject):
        kind, data = scalar.args
        scalar = np.frombuffer(_bytes(data), plain_dtype(kind))[0]
    return float(scalar)


def _bytes(data: Any) -> bytes:
    """Return bytes; pickle protocols 0 to 2 have none and write them as encoded text."""
    if isinstance(data, PickledObject):
        text, encoding = data.args
        return str(text).encode(encoding) if encoding == "latin1" else b""
    return bytes(data)
