"""What engines compile is kept under a name that says from what, and only when it is whole."""

from pathlib import Path

import pytest

from bench.ladder import engines, made


def paths(folder: Path, text: str) -> engines.Paths:
    model = folder / "model.txt"
    model.write_text(text)
    return engines.Paths(model, folder, folder, folder)


def test_a_retrained_model_has_another_file(tmp_path: Path) -> None:
    for place in (engines.lleaves_code, engines.tl2cgen_library):
        before = place(paths(tmp_path, "one"))
        assert place(paths(tmp_path, "one")) == before
        assert place(paths(tmp_path, "two")) != before
        assert before.parent == tmp_path


def test_other_versions_of_the_library_have_another_file(tmp_path: Path) -> None:
    before = made.named(tmp_path, "x.so", b"model", b"library==1")
    assert made.named(tmp_path, "x.so", b"model", b"library==2") != before
    assert made.named(tmp_path, "x.so", b"mode", b"llibrary==1") != before
    assert (before.name[:2], before.suffix) == ("x-", ".so")


def test_a_file_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "x.so"
    assert made.make(path, lambda part: part.write_text("first")) == path
    made.make(path, lambda part: part.write_text("second"))
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_interrupted_leaves_no_file(tmp_path: Path) -> None:
    def interrupted(part: Path) -> None:
        part.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.make(tmp_path / "x.so", interrupted)
    assert list(tmp_path.iterdir()) == []
