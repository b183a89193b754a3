"""A deferred package: its parts load without its `__init__`, which runs for what only it has."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import environment

ROOT = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "print('init ran')\nfrom shop.till import Till\nNAME = 'x'\n"
    )
    (folder / "till.py").write_text("class Till: ...\n")
    return tmp_path


def run(folder: Path, code: str) -> str:
    start = "from server import deferred; deferred.package('shop', Till='shop.till')\n"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{start}{code}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_part_is_imported_without_the_packages_init(package: Path) -> None:
    assert run(package, "from shop.till import Till") == ""


def test_a_name_whose_home_is_told_does_not_run_it_either(package: Path) -> None:
    assert (
        run(package, "from shop import Till; import shop.till; assert Till is shop.till.Till") == ""
    )


def test_any_other_name_runs_it_once(package: Path) -> None:
    assert run(package, "from shop import NAME; import shop; print(shop.NAME, NAME)") == (
        "init ran\nx x\n"
    )


def test_its_version_is_read_beside_it(package: Path) -> None:
    code = "import shop; print(shop.__version__)"
    (package / "shop-1.2.dist-info").mkdir()
    assert run(package, code) == "1.2\n"


def test_a_name_it_never_had_is_missing_as_ever(package: Path) -> None:
    assert "True" in run(package, "import shop; print(not hasattr(shop, 'other'))")


def test_what_was_imported_before_stays(package: Path) -> None:
    again = "import shop as before\ndeferred.package('shop')\nimport shop; assert shop is before"
    assert run(package, f"del sys.modules['shop']\n{again}") == "init ran\n"


def test_a_module_of_a_package_is_that_packages_attribute() -> None:
    code = "deferred.package('logging.config'); import logging.config, sys\n"
    code += "ran = lambda: 'logging.handlers' in sys.modules\n"
    code += "print(ran(), logging.config.dictConfig({'version': 1}), ran())"
    assert run(Path(), code) == "False None True\n"


def test_an_absent_package_fails_where_it_is_imported(tmp_path: Path) -> None:
    code = "try: import shop\nexcept ModuleNotFoundError: print('absent')"
    assert run(tmp_path, code) == "absent\n"


def test_a_start_imports_nothing_that_no_score_needs() -> None:
    """Starlette, uvicorn's command line, SQLite: milliseconds, all of them."""
    done = subprocess.run(
        [
            sys.executable, "-X", "importtime", "-m", "server",
            "--check", "--model", "models/credit-express/1",
        ],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = imported(done.stderr)
    assert {"numpy", "onnxruntime", "uvicorn.server"} <= loaded
    spared = {
        "click",
        "uvicorn.main",
        "logging.handlers",
        "starlette.applications",
        "anyio",
        "sqlite3",
        "server.http.rest",
    }
    assert loaded & spared == set()


def imported(told: str) -> set[str]:
    """Return the modules that -X importtime tells of."""
    return {line.rsplit("|")[-1].strip() for line in told.splitlines()}


def test_a_start_by_the_environment_alone_imports_no_parser(tmp_path: Path) -> None:
    """It goes as far as the socket, which is taken: by then all was imported."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = {
            "CREDIT_MODEL": "models/credit-express/1", "CREDIT_LOG_DIR": str(tmp_path),
            "CREDIT_HOST": "127.0.0.1", "CREDIT_PORT": str(taken.getsockname()[1]),
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "server"],
            cwd=ROOT, env=environment() | given, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert "already in use" in done.stderr
    loaded = imported(done.stderr)
    assert {"server.cli", "uvicorn.server"} <= loaded
    assert loaded & {"argparse", "server.offline.score_file"} == set()
