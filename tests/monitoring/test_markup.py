"""What a model or a log supplies is shown as it is: in a terminal, in Markdown, in others' HTML."""

import pytest

from monitoring.markup import JOINER, distinct, harmless, markdown, visible

NAMES = [
    "income", "debt_to_income", "a<b", 'the "best"', "R&D", "it's", "`x`", "a\\b", "a->b", "[x](y)",
    "http://host/x", "a@b.example", ":red[x]", ":streamlit:", "$x$", "Höhe (€)", "收入", "x\ty",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_sign_of_html_or_script_is_left(name: str) -> None:
    shown = harmless(name)
    assert not set(shown) & set("<>&\"'`")
    assert harmless(shown) == shown


@pytest.mark.parametrize(("text", "shown"), [
    ("plain, Höhe", "plain, Höhe"), ("two\nlines", "two\\nlines"), ("bell\a", "bell\\x07"),
    ("\x1b]0;title\x07", "\\x1b]0;title\\x07"), ("\u202etxt.exe", "\\u202etxt.exe"),
    ("tab\tbed", "tab\\tbed"), ("\x9b31m", "\\x9b31m"), ("\u2028", "\\u2028"), ("\r", "\\r"),
    ("nul\0", "nul\\x00"),
])  # fmt: skip
def test_a_terminal_gets_one_line_without_control_characters(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("name", NAMES)
def test_markdown_escapes_and_adds_nothing_that_is_seen(name: str) -> None:
    unescaped = markdown(name).replace(JOINER, "").replace("\\\\", "\0").replace("\\", "")
    assert unescaped.replace("\0", "\\") == visible(name)


def test_names_that_would_look_alike_are_told_apart_and_stay_in_order() -> None:
    assert distinct(["a<b", "a‹b", "a", "a‹b (2)", "a<b"]) == [
        "a‹b", "a‹b (2)", "a", "a‹b (2) (2)", "a‹b (3)",
    ]  # fmt: skip
