from collections.abc import Sequence
from typing import Any

from .layout import Buffer

SOURCE: str

def write_answers(
    head: tuple[bytes, bytes] | None,
    begin: bytes,
    to_number: bytes,
    ids: list[str],
    tails: tuple[bytes, ...],
    is_json: bool,
    numbers: Buffer,
    chosen: Buffer,
    powers: Buffer,
) -> list[bytes] | None: ...

class Kernel:
    def __new__(
        cls,
        features: int,
        outputs: int,
        slots: int,
        roots: Buffer,
        targets: Buffer,
        slot: Buffer,
        threshold: Buffer,
        yes: Buffer,
        no: Buffer,
        leaf: Buffer,
        categories: list[tuple[int, int, int, Buffer, Buffer]],
        fillers: list[tuple[dict[Any, float | None] | None, float, float, float, bool]],
        row: Buffer,
        raw: Buffer,
        counts: Buffer = ...,
    ) -> Kernel: ...
    def score(self, values: Sequence[Any]) -> tuple[bytes, list[float]] | None: ...
    def score_row(self) -> None: ...
    def score_block(self, rows: Buffer, raw: Buffer, way: int = ..., /) -> None: ...
    def score_columns(self, columns: Buffer, raw: Buffer, way: int = ..., /) -> None: ...

class Contributions:
    def __new__(
        cls,
        kernel: Kernel,
        width: int,
        columns: Buffer,
        divide_by: float,
        lanes: int = 8,
    ) -> Contributions: ...
    def block(self, rows: Buffer, out: Buffer) -> None: ...

class Decoder:
    def __new__(
        cls,
        kernel: Kernel,
        is_json: bool,
        fields: list[tuple[bytes, bool, dict[bytes, float] | None, Buffer, bool]],
        powers: Buffer,
    ) -> Decoder: ...
    def score(self, body: bytes) -> tuple[bytes, list[float]] | None: ...
    def block(self, body: bytes, most: int) -> tuple[bytes, bytes, list[int], list[int]] | None: ...
    def bodies(self, bodies: list[bytes]) -> tuple[bytes, bytes, list[int], list[int]]: ...

class Tensor:
    def __new__(
        cls,
        rules: list[tuple[bool, bool, Any, float, float, float, bool]],
        powers: Any,
    ) -> Tensor: ...
    def read(
        self, kind: str, size: int, is_json: bool, data: Any, rows: Buffer, /
    ) -> bytes | None: ...

class Line:
    def __new__(cls, before: bytes, model: bytes, powers: Buffer) -> Line: ...
    def write_block(
        self,
        nanoseconds: int,
        ids: str | list[str],
        first: int,
        latency_us: float,
        body: bytes,
        is_packed: bool,
        spans: Buffer | bytes,
        rows: Buffer | bytes,
        raw: Buffer | bytes,
        predictions: Buffer | bytes,
        decided: Buffer | bytes,
        decisions: tuple[str | None, ...],
    ) -> bytes | None: ...
