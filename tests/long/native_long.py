"""A million rows through the native engine, LightGBM and onnxruntime: `make native-long`.

`python -m tests.long.native_long ROWS FILE...`: every kind of convert/prove/kinds.py, and the
models named.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from convert.prove.building import Built
from convert.prove.kinds import KINDS
from server.engine.native.trees import NotNativeError
from tests.native_models import compare, made_rows, of_file, of_kind


def models(files: list[Path]) -> Iterator[tuple[str, Built]]:
    """Yield every kind and every file, by name."""
    yield from ((kind.name, of_kind(kind)) for kind in KINDS)
    yield from ((path.name, of_file(path)) for path in files)


def main(rows: int, files: list[Path]) -> int:
    """Print a line per model and the total; return 1 where any row differed."""
    each = -(-rows // (len(KINDS) + len(files)))
    compared = wrong = 0
    for name, built in models(files):
        try:
            found = compare(built, made_rows(built, each, seed=11))
        except NotNativeError as error:
            print(f"refused {name}: {error}", flush=True)
            continue
        compared += found.rows
        wrong += found.from_lightgbm + found.from_onnxruntime
        print(f"{found.rows} rows {name}: {found.from_lightgbm} differ from LightGBM, "
              f"{found.from_onnxruntime} from onnxruntime", flush=True)  # fmt: skip
    print(f"{compared} rows compared, {wrong} differ")
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]), [Path(each) for each in sys.argv[2:]]))
