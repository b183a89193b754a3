"""The house rules: who may import whom, how long a function may be, what may not be committed."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("server", "convert", "monitoring", "bench", "models", "clients")
# The bench measures what others do, so it may import it.
ALLOWED_EDGES = {("bench", "server"), ("bench", "monitoring")}
MOST_LINES_OF_TESTS = 400
# A room, a folder or a module at the top of its folder, imports only rooms before it.
LAYERS = {
    "server": (
        "deferred", "settings", "logs", "metrics", "bundle", "engine", "scoring", "record", "http",
        "oip", "grpc", "offline", "platform", "process", "run", "cli", "__main__",
    ),
    "convert": (
        "errors", "arguments", "guard", "library_errors", "files", "tables", "model", "graph",
        "read", "prove", "policy", "reasons", "bundle", "compare", "conversion", "commands",
        "__main__",
    ),
    "monitoring": (
        "errors", "markup", "wording", "bundle", "log", "rows", "drift", "outcomes", "explain",
        "replay", "report", "reasons", "notice", "nightly", "dashboard", "__main__",
    ),
    "bench": (
        "distribution", "host", "progress", "result", "marks", "environments", "workload", "ladder",
        "contributions", "portfolio", "load", "limits", "stages", "process", "power",
        "contract_cost", "record_cost", "grpc_calls", "cost", "budget", "worst_case", "burst",
        "batch", "answer", "profiling", "soak", "guard", "report", "benchmark_stages", "parts",
        "suite", "__main__",
    ),
}  # fmt: skip
SERVER_MAY_IMPORT = {
    "httptools", "msgspec", "numpy", "onnxruntime", "orjson", "starlette", "uvicorn", "uvloop",
}  # fmt: skip
# Read only by `python -m server score`: no running server loads it.
OFFLINE_MAY_IMPORT = {"pyarrow"}
# Read only with --grpc-port.
GRPC_MAY_IMPORT = {"google", "h2", "hpack", "hyperframe"}
FORBIDDEN_AT_RUN_TIME = (
    "lightgbm",
    "onnx",
    "pandas",
    "evidently",
    "pyarrow",
    "sklearn",
    "pickle5",
    "h2",
    "google",
)


def sources(folder: str) -> list[Path]:
    return sorted(p for p in (ROOT / folder).rglob("*.py") if "peers" not in p.parts)


def imported(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Yield (top-level package, stands at module level) of every absolute import in `tree`."""
    top = set(map(id, ast.iter_child_nodes(tree)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0], id(node) in top


def functions() -> Iterator[tuple[int, str]]:
    """Yield (lines, where) of every function of the product."""
    for folder in FOLDERS:
        for path in sources(folder):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    length = (node.end_lineno or node.lineno) - node.lineno + 1
                    yield length, f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("folder", FOLDERS)
def test_folders_talk_through_files_not_imports(folder: str) -> None:
    """The only allowed edges are those of the bench, to what it measures."""
    for path in sources(folder):
        for package, _ in imported(ast.parse(path.read_text())):
            if package in FOLDERS and package != folder:
                assert (folder, package) in ALLOWED_EDGES, f"{path} imports {package}"


def room_of(module: Sequence[str]) -> str:
    """Return the part of a dotted name below its folder, "" for the folder itself."""
    return module[1] if len(module) > 1 else ""


def arrows(folder: str) -> Iterator[tuple[Path, str, str]]:
    """Yield (file, its room, room imported) of every import inside a folder."""
    for path in sources(folder):
        module = path.relative_to(ROOT).with_suffix("").parts
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = module[: len(module) - node.level] + tuple((node.module or "").split("."))
                base = tuple(part for part in base if part)
                names = [alias.name for alias in node.names] if len(base) == 1 else [""]
                for name in names:
                    yield path, room_of(module), room_of((*base, name) if name else base)


@pytest.mark.parametrize("folder", LAYERS)
def test_imports_run_one_way_inside_a_folder(folder: str) -> None:
    order = {room: place for place, room in enumerate(("", "__version__", *LAYERS[folder]))}
    for path, room, imported_room in arrows(folder):
        assert room in order, f"{path}: the room {room} stands in no layer"
        assert room == imported_room or order[imported_room] < order[room], (
            f"{path}: {room} imports {imported_room}, which stands above it"
        )


@pytest.mark.parametrize("folder", LAYERS)
def test_every_room_is_named_in_the_page_on_architecture(folder: str) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    section = page.partition(f"## {folder}/")[2].partition("\n## ")[0]
    rooms = {room_of(path.relative_to(ROOT).with_suffix("").parts) for path in sources(folder)}
    for room in rooms - {"__init__"}:
        assert f"`{room}`" in section, f"docs/architecture.md does not name {folder}/{room}"
        assert room in LAYERS[folder], f"{folder}/{room} stands in no layer"


def test_the_server_imports_only_what_the_image_holds() -> None:
    allowed = SERVER_MAY_IMPORT | set(sys.stdlib_module_names) | {"server"}
    for path in sources("server"):
        for package, _ in imported(ast.parse(path.read_text())):
            offline = package in OFFLINE_MAY_IMPORT and path.parent.name == "offline"
            grpc = package in GRPC_MAY_IMPORT and path.parent.name == "grpc"
            assert package in allowed or offline or grpc, f"{path} imports {package}"


def test_a_running_server_has_loaded_no_training_library() -> None:
    """What is not imported cannot cost memory, start-up time or an advisory."""
    code = "import sys, server.http.app; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not set(FORBIDDEN_AT_RUN_TIME) & set(loaded)


def test_functions_are_short() -> None:
    lengths = [length for length, _ in functions()]
    assert statistics.median(lengths) <= 8
    longer = sorted((row for row in functions() if row[0] > 30), reverse=True)
    assert len(longer) <= len(lengths) / 10, longer[:10]


def test_a_rule_of_several_folders_is_one_file_that_the_others_link_to() -> None:
    """Relative links to files of the product, as a clone has them; and no file stands twice."""
    every = [path for folder in FOLDERS for path in sources(folder)]
    links = [path for path in every if path.is_symlink()]
    assert all(not path.readlink().is_absolute() and path.resolve() in every for path in links)
    texts = [path.read_bytes() for path in every if not path.is_symlink()]
    assert len(set(filter(None, texts))) == len(list(filter(None, texts)))


def test_no_file_is_a_drawer_for_everything() -> None:
    names = {path.stem for folder in FOLDERS for path in sources(folder)}
    assert not names & {"utils", "util", "helpers", "common", "misc"}


def test_broad_excepts_stand_only_at_the_request_boundary() -> None:
    """One place may catch everything: the boundary of a request, and it counts what it catches."""
    broad = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in FOLDERS
        for path in sources(folder)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"})
    ]
    assert len(broad) <= 1, broad


def test_no_test_imports_another() -> None:
    """What tests share stands in a conftest or in a module beside them that is no test."""
    tests = {path.stem for path in sources("tests") if path.stem.startswith("test_")}
    for path in sources("tests"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                words = f"{getattr(node, 'module', '')}.{'.'.join(a.name for a in node.names)}"
                assert not tests & set(words.split(".")), f"{path}:{node.lineno} imports a test"


def test_no_file_of_tests_is_too_long() -> None:
    for path in sources("tests"):
        length = len(path.read_text().splitlines())
        assert length <= MOST_LINES_OF_TESTS, f"{path}: {length} lines: split it by topic"


def test_nothing_names_a_package_index_or_a_path_of_one_machine() -> None:
    hosts = [name + end for name in ("pypi", "pythonhosted", "npmjs") for end in (".org", ".com")]
    words = [*hosts, "/" + "work/", "/" + "root/"]
    for path in tracked():
        if path.suffix in {".onnx", ".parquet", ".png", ".svg"}:
            continue
        text = path.read_text(errors="replace")
        assert not [word for word in words if word in text], path
