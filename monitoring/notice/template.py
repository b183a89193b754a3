"""The letter around the reasons: a template that the lender owns, with $names to fill in."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from ..markup import visible
from .decision import NoticeError, Reason

TEXT, HTML = "text", "html"
MOST_BYTES = 1 << 20
# What $names stand for; --set adds others.
NAMES = {
    "reasons": "the principal reasons, one a line or list item, the most important first",
    "decision": "what was decided: refuse, or refer",
    "date": "the day of the decision, as 2026-11-28 (UTC)",
    "request_id": "the id that was answered with the decision",
    "index": "the applicant's place in a batch, from 0",
    "model": "the model that decided",
    "version": "its version",
    "policy": "the version of its policy",
    "language": "the language of the reasons",
}
DEFAULT = {
    TEXT: """\
DRAFT - have this text reviewed before you send it

Date of decision: $date
Reference: $request_id

Dear applicant,

We have considered your application and cannot approve it.

The principal reasons for this decision are:

$reasons

[Name and address of the creditor]
[Notices that the law requires of you: rights of the applicant, the supervising
authority, the source of a credit report, how to have the decision reviewed]
""",
    HTML: """\
<!DOCTYPE html>
<html lang="$language">
<head>
<meta charset="utf-8">
<title>Notice $request_id</title>
<style>body { font: 16px/1.5 sans-serif; max-width: 40em; margin: 2em auto; padding: 0 1em }</style>
</head>
<body>
<p><strong>DRAFT - have this text reviewed before you send it</strong></p>
<p>Date of decision: $date<br>Reference: $request_id</p>
<p>Dear applicant,</p>
<p>We have considered your application and cannot approve it.</p>
<p>The principal reasons for this decision are:</p>
$reasons
<p>[Name and address of the creditor]</p>
<p>[Notices that the law requires of you: rights of the applicant, the supervising authority,
the source of a credit report, how to have the decision reviewed]</p>
</body>
</html>
""",
}


def read(path: Path) -> str:
    """Return a template file. Raises NoticeError."""
    if not path.is_file():
        raise NoticeError(f"{path}: wanted a file with a template")
    content = path.read_bytes()
    if len(content) > MOST_BYTES:
        raise NoticeError(f"{path}: wanted at most {MOST_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NoticeError(f"{path}: wanted UTF-8: {error}") from error


def check(template: str, known: Mapping[str, str], where: str) -> None:
    """Raise NoticeError for a $name that stands for nothing, or if no $reasons is there."""
    found = Template(template)
    if not found.is_valid():
        raise NoticeError(f"{where}: a $ that begins no name: write $$ for a dollar sign")
    names = found.get_identifiers()
    if strange := [name for name in names if name not in known]:
        raise NoticeError(f"{where}: ${strange[0]} is not known; there are ${', $'.join(known)}")
    if "reasons" not in names:
        raise NoticeError(f"{where}: wanted $reasons somewhere: a notice states the reasons")


def filled(
    template: str, values: Mapping[str, str], reasons: Sequence[Reason], form: str,
    where: str = "template",
) -> str:  # fmt: skip
    """Return the template with its $names filled in; in HTML all values are escaped.

    Raises NoticeError.
    """
    check(template, {**values, "reasons": ""}, where)
    written = escaped if form == HTML else visible
    texts = [written(reason.text) for reason in reasons]
    if form == HTML:
        listed = "\n".join(["<ol>", *(f"<li>{text}</li>" for text in texts), "</ol>"])
    else:
        listed = "\n".join(f"{rank}. {text}" for rank, text in enumerate(texts, start=1))
    known = {name: written(value) for name, value in values.items()}
    return Template(template).substitute({**known, "reasons": listed})


def escaped(text: str) -> str:
    """Return text that HTML shows as it is."""
    return html.escape(visible(text))
