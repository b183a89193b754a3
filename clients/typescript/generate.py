"""Write TypeScript types for a model's requests and answers, from a server's OpenAPI document.

python clients/typescript/generate.py http://127.0.0.1:8000/openapi.json > credit-express.d.ts

Needs only the standard library.
"""

import argparse
import json
import re
from typing import Any
from urllib.request import urlopen

Json = dict[str, Any]
PLAIN = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean"}
IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
HEAD = """/**
 * The requests and answers of Credit Express: POST {path}.
 * Made by clients/typescript/generate.py; do not edit.
 */
"""


def main() -> None:
    """Print the types."""
    about, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", help="of the document")
    parser.add_argument("--path", default="/score", help="which model; default: %(default)s")
    asked = parser.parse_args()
    try:
        with urlopen(asked.url, timeout=10) as answer:  # noqa: S310 - a file of one's own is meant, too
            document = json.load(answer)
    except (OSError, ValueError) as error:
        parser.error(f"{asked.url}: {error}")
    if "post" not in document["paths"].get(asked.path, {}):
        known = [path for path, operations in document["paths"].items() if "post" in operations]
        parser.error(f"--path {asked.path}: no such path; there is {', '.join(known)}")
    print(types(document, asked.path), end="")


def types(document: Json, path: str) -> str:
    """Return the module: named schemas, then Applicant and Answer of the operation at `path`."""
    operation = document["paths"][path]["post"]
    applicant = of_json(operation["requestBody"])["oneOf"][0]
    answer = of_json(operation["responses"]["200"])["oneOf"][0]
    named = {**document["components"]["schemas"], "Applicant": applicant, "Answer": answer}
    parts = [f"export interface {name} {typed(schema)}\n" for name, schema in named.items()]
    parts.append("/** An array is a batch, answered in order. */\n")
    parts.append("export type ScoreRequest = Applicant | Applicant[];\n")
    parts.append("/** Problems stand in a batch with ?partial=true alone. */\n")
    parts.append("export type ScoreResponse = Answer | (Answer | Problem)[];\n")
    return HEAD.format(path=path) + "\n" + "".join(parts)


def of_json(carrier: Json) -> Json:
    """Return the schema of a body in JSON."""
    schema: Json = carrier["content"]["application/json"]["schema"]
    return schema


def typed(schema: Json, indent: str = "") -> str:
    """Return a schema as a type; raises ValueError for a keyword that it does not know."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(json.dumps, schema["enum"]))
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " | ".join(typed(each, indent) for each in schema[union])
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(typed({**schema, "type": each}, indent) for each in kind)
    if kind == "object":
        return members(schema, indent)
    if kind == "array":
        one = typed(schema["items"], indent)
        return f"({one})[]" if " | " in one else f"{one}[]"
    if kind == "null":
        return "null"
    if kind not in PLAIN:
        raise ValueError(f"no TypeScript for {json.dumps(schema)}")
    return PLAIN[kind]


def members(schema: Json, indent: str) -> str:
    """Return an object's type."""
    inner = f"{indent}  "
    lines = []
    for name, each in schema.get("properties", {}).items():
        if "description" in each:
            lines.append(f"{inner}/** {each['description'].replace('*/', '* /')} */\n")
        key = name if IDENTIFIER.fullmatch(name) else json.dumps(name)
        mark = "" if name in schema.get("required", ()) else "?"
        lines.append(f"{inner}{key}{mark}: {typed(each, inner)};\n")
    return f"{{\n{''.join(lines)}{indent}}}"


if __name__ == "__main__":
    main()
