"""Reason codes that were replaced: checked at the start as files, read and judged when needed."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convert.__main__ import main as convert_main
from convert.bundle.write import sums
from server.bundle.manifest import BundleError
from server.bundle.reading import kept_codes, read

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def changed(bundle: Path, tmp_path: Path) -> Path:
    """A bundle whose cut-off was changed: it keeps one file of reasons."""
    copy = Path(shutil.copytree(bundle, tmp_path / "models" / "small" / "1"))
    assert convert_main(["policy", str(copy), "--threshold", "0.6"]) == 0
    return copy


def kept(bundle: Path) -> tuple[Path, str]:
    """The one file that is kept, and its version."""
    [path] = bundle.glob("reasons-*.json")
    return path, path.stem.removeprefix("reasons-")


def rewrite(path: Path, change: Change) -> None:
    """Change a JSON file."""
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content))


def agree(bundle: Path) -> None:
    """Make the hashes agree with the files again."""
    named = [path.name for path in bundle.iterdir() if path.name != "SHA256SUMS"]

    def listed(manifest: dict[str, Any]) -> None:
        for name in {*named} - {"manifest.json"}:
            digest = hashlib.sha256((bundle / name).read_bytes()).hexdigest()
            manifest["files"][name] = digest

    rewrite(bundle / "manifest.json", listed)
    files = {name: (bundle / name).read_bytes() for name in named}
    (bundle / "SHA256SUMS").write_bytes(sums(files))


def test_codes_are_found_by_their_version(bundle: Path, changed: Path) -> None:
    opened = read(changed)
    _, version = kept(changed)
    before = read(bundle).codes
    assert kept_codes(opened.bundle, version) == before
    assert before is not None
    assert before.version == version
    assert opened.codes is not None
    assert opened.codes.version != version
    for strange in ("0" * 12, "", "../reasons", opened.codes.version):
        assert kept_codes(opened.bundle, strange) is None


def test_a_file_that_was_changed_or_lost_refuses_the_start_as_any_other(changed: Path) -> None:
    path, version = kept(changed)
    opened, content = read(changed), path.read_bytes()
    path.write_bytes(content.replace(b"0.4", b"0.5"))
    for ask in (lambda: read(changed), lambda: kept_codes(opened.bundle, version)):
        with pytest.raises(BundleError, match=f"{path.name}: changed since conversion"):
            ask()
    path.unlink()
    for ask in (lambda: read(changed), lambda: kept_codes(opened.bundle, version)):
        with pytest.raises(BundleError, match=f"{path.name}: No such file"):
            ask()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda codes: codes.update(version="0" * 12), "wanted the version that the name says"),
        (lambda codes: codes.update(policy="refuse>=0.1"), "wanted a policy of the manifest"),
        (lambda codes: codes.update(policy=None), "wanted a policy of the manifest"),
        (lambda codes: codes["baseline"]["contributions"].pop(), "wanted 5 contributions, got 4"),
        (lambda codes: codes["entries"][0]["features"].append("X"), "unknown feature X"),
        (lambda codes: codes.pop("entries"), "missing required field"),
    ],
)
def test_what_contradicts_itself_is_told_when_it_is_needed(
    changed: Path, change: Change, said: str
) -> None:
    """With hashes that agree. Scoring does not need it, so the bundle is served all the same."""
    path, version = kept(changed)
    rewrite(path, change)
    agree(changed)
    opened = read(changed)
    with pytest.raises(BundleError, match=said) as error:
        kept_codes(opened.bundle, version)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize("content", [b'{"version": "\xff"}', b"{}", b"[1]"])
def test_a_file_that_is_no_such_json_is_one_line(changed: Path, content: bytes) -> None:
    path = changed / "reasons.json"
    path.write_bytes(content)
    agree(changed)
    with pytest.raises(BundleError, match=f"^{path}: "):
        read(changed)


@pytest.mark.parametrize(
    ("earlier", "said"),
    [
        ([{"version": "refuse>=0.4", "refuse_at": 0.5}], "is another rule than 'refuse>=0.5'"),
        ([{"version": "1", "refuse_at": 1.5}], "wanted thresholds from 0 to 1"),
        ([{"version": "", "refuse_at": 0.5}], "wanted a version, got an empty one"),
        ([{"version": "1", "refuse_at": 0.5}] * 2, "wanted each version once"),
        ([{"version": "refuse>=0.6", "refuse_at": 0.6}], "wanted each version once"),
        ([{"version": "1"}], "missing required field `refuse_at`"),
    ],
)
def test_earlier_rules_that_contradict_themselves_refuse_the_start(
    changed: Path, earlier: list[dict[str, Any]], said: str
) -> None:
    rewrite(changed / "manifest.json", lambda manifest: manifest["policy"].update(earlier=earlier))
    agree(changed)
    with pytest.raises(BundleError, match=said):
        read(changed)
