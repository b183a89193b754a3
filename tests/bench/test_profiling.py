"""The profile names the functions of the hot path."""

from pathlib import Path

from bench import profiling


def test_the_profile_counts_calls_and_samples(tmp_path: Path) -> None:
    def work() -> int:
        return sum(len(str(i)) for i in range(50_000))

    profiling.write(tmp_path, work)
    assert "work" in (tmp_path / "profile.txt").read_text()
    assert (tmp_path / "profile.prof").stat().st_size > 0
    assert "<html" in (tmp_path / "profile.html").read_text().lower()
