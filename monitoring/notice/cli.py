"""notice: draft the letter that tells an applicant why the application was not approved.

  python -m monitoring notice 0f3c9a1e --log log --models models
  python -m monitoring notice 0f3c9a1e --log log --models models --language de \\
      --template letter.html --set bank="Bank of X" --out letter-0f3c9a1e.html
  python -m monitoring notice --print-template > letter.txt

States the principal reasons that were answered with the decision, in the words that the bundle had
then, in a template of your own: $reasons stands for the reasons, and --set NAME=VALUE gives names
of your own a value. It is a draft. Whether it says what the law wants is for a lawyer to decide
(docs/reasons.md). Nothing is sent, and the log is not changed.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..bundle.reasons import ReasonCodes
from ..errors import MonitoringError
from ..log.record import Record
from ..replay.model import find
from . import template
from .decision import NoticeError, decision
from .draft import draft

REFERRED = "refer"


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code. Raises MonitoringError."""
    args = parser().parse_args(arguments)
    form = args.format or (template.HTML if looks_like_html(args) else template.TEXT)
    if args.print_template:
        sys.stdout.write(template.DEFAULT[form])
        return 0
    if args.request_id is None or not args.log or not args.models:
        raise MonitoringError("wanted a request id, --log FOLDER and --models DIR")
    if args.out and args.out.exists():
        raise MonitoringError(f"{args.out}: already exists")
    text = template.read(args.template) if args.template else None
    record = decision(args.log, args.request_id, args.index)
    codes = codes_of(record, args.models)
    made = draft(record, codes, args.language, form, text, settings(args.set), str(args.template))
    for said in notes(record, args):
        print(f"note: {said}", file=sys.stderr)
    write(made, args.out)
    return 0


def looks_like_html(args: argparse.Namespace) -> bool:
    """Whether the names of the files say so."""
    named = args.out or args.template
    return named is not None and named.suffix.lower() in {".html", ".htm"}


def codes_of(record: Record, models: Path) -> ReasonCodes | None:
    """Return the reason codes of the bundle that decided. Raises MonitoringError."""
    from ..explain.principal import principal_of  # takes numpy along: not for an error above

    key = str(record.model), str(record.version)
    folders = find(models)
    if key not in folders:
        raise NoticeError(f"{'/'.join(key)}, which decided, is not below {models}")
    principal = principal_of(folders[key], version=record.reasons_version)
    return principal.codes if principal else None


def settings(given: Sequence[str]) -> dict[str, str]:
    """Return the names that --set gives a value. Raises NoticeError."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier() or not name.isascii():
            raise NoticeError(f"--set {text}: wanted NAME=VALUE, the name as a template has it")
        if name in template.NAMES:
            raise NoticeError(f"--set {name}: that name stands for {template.NAMES[name]}")
        found[name] = value
    return found


def notes(record: Record, args: argparse.Namespace) -> Sequence[str]:
    """Return what whoever sends the notice should know."""
    said = []
    if record.decision == REFERRED:
        said.append(
            "the model referred this applicant to a person; if that person refused, the reasons "
            "are theirs to state"
        )
    if args.language and not args.template:
        said.append("the letter around the reasons is in English: give --template")
    return said


def write(text: str, out: Path | None) -> None:
    """Write a new file that only its owner may read, or to stdout."""
    if out is None:
        sys.stdout.write(text)
        return
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"{out}: a draft", file=sys.stderr)


def parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m monitoring notice`."""
    names = "\n".join(f"  ${name:<12} {meaning}" for name, meaning in template.NAMES.items())
    new = argparse.ArgumentParser(
        "python -m monitoring notice",
        description=__doc__,
        epilog=f"names in a template ($$ is a dollar sign):\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    new.add_argument("request_id", nargs="?", metavar="REQUEST_ID")
    new.add_argument("--log", nargs="+", type=Path, metavar="FOLDER")
    new.add_argument("--models", type=Path, metavar="DIR",
                     help="folder of bundles, DIR/NAME/VERSION: for the texts")  # fmt: skip
    new.add_argument("--index", type=int, metavar="N", help="which applicant of a batch, from 0")
    new.add_argument("--language", metavar="TAG", help="of the reasons, such as de (the first)")
    new.add_argument(
        "--format", choices=(template.TEXT, template.HTML),
        help="(html where --out or --template is named so, else text)",
    )  # fmt: skip
    new.add_argument("--template", type=Path, metavar="FILE", help="your letter, with $reasons")
    new.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                     help="what $NAME stands for; may be given several times")  # fmt: skip
    new.add_argument("--out", type=Path, metavar="FILE", help="a new file (stdout)")
    new.add_argument("--print-template", action="store_true",
                     help="print the default template, to write your own from")  # fmt: skip
    return new
