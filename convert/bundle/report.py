"""`verification.md`: what was compared with LightGBM, for people to read."""

from importlib.metadata import version

from .manifest import Facts, Identity

NAMES = 40
KINDS = {
    "splits": "directed at one split of one tree: its threshold, one ulp either side, missing",
    "values": "every feature on its thresholds, beside them, and at special values",
    "mixed": "rows with some fields replaced by such values",
    "missing": "everything missing",
    "reference": "reference rows, as given",
}


def verification_text(identity: Identity, facts: Facts) -> str:
    """Return the report as Markdown."""
    report, model = facts.report, facts.built.model
    leaves = sum(len(tree.leaf_value) for tree in model.trees)
    counted = [f"| {KINDS.get(kind, kind)} | {rows} |" for kind, rows in report.kinds.items()]
    lines = [
        f"# Verification of {identity.name} {identity.version}",
        "",
        f"`model.onnx` in onnxruntime {version('onnxruntime')} against `model.txt` in LightGBM "
        f"{version('lightgbm')}, one thread each.",
        "",
        f"{len(model.trees)} trees, {leaves} leaves, objective `{model.objective}`.",
        f"Raw score and prediction compared bit for bit on {report.rows} rows: "
        f"{report.mismatches} differ.",
        *_meaning(facts),
        *_not_exact(facts),
        *_left_out(facts),
        *_notes(facts),
        "",
        "| rows | number |",
        "|---|---|",
        *counted,
        "",
        *_contributions(facts),
        "## Missing values",
        "",
        *_missing(facts),
        "",
    ]
    return "\n".join(lines)


def _meaning(facts: Facts) -> list[str]:
    """Say what the answer is the probability of, if the model's file names its classes."""
    told = facts.meaning.told(facts.built.task)
    return ["", *(f"{note[0].upper()}{note[1:]}." for note in told)] if told else []


def _not_exact(facts: Facts) -> list[str]:
    if facts.exporter == "exact":
        return []
    flips = sum((facts.report.flips or {}).values())
    asked = f"**Not exact**: exporter `{facts.exporter}`, chosen by the user."
    return ["", f"{asked} Decisions that change on these rows: {flips}."]


LEFT_OUT = {
    "trees": "trees were not tested split by split; the whole-model rows went through every tree",
    "reference": "reference rows were not compared; the compared ones are an evenly spaced sample",
}


def _notes(facts: Facts) -> list[str]:
    """List what was noticed when the model was read."""
    notes = facts.built.loaded.notes
    return ["", *(f"- {note[0].upper()}{note[1:]}." for note in notes)] if notes else []


def _left_out(facts: Facts) -> list[str]:
    """Say what was not compared because the model or the reference file is too large."""
    found = facts.report.left_out.items()
    return ["", *(f"Left out: {count} {LEFT_OUT[kind]}." for kind, count in found)] if found else []


def _contributions(facts: Facts) -> list[str]:
    """How near the contributions are to LightGBM's, and to the scores."""
    if facts.explained is None:
        return []
    found = facts.explained.agreement
    return [
        "## Contributions",
        "",
        f"What each feature contributes to the raw score, on {found.rows} rows. Differences are "
        "relative to 1 and the sum of all contributions without their signs.",
        "",
        f"- at most {found.largest:.1e} from LightGBM's `pred_contrib`; the four largest stand in "
        f"another order on {found.reordered} rows",
        f"- sums miss the raw score by at most {found.missed:.1e}, LightGBM's by "
        f"{found.lightgbm_missed:.1e}",
        "",
    ]


def _missing(facts: Facts) -> list[str]:
    """Return one line for each policy on missing values: a list of 200 features stays readable."""
    meaning = {
        "trained": "goes down the branch LightGBM trained for it",
        "unused": "no split looks at the feature",
        "error": "refused: no split was trained on a missing value; LightGBM would take 0 for a "
        "number and an unknown one for a category, silently",
        "zero": "0 stands in, a choice made at conversion",
        "impute": "a value stands in, a choice made at conversion",
    }
    lines = []
    for policy, text in meaning.items():
        names = [feature.name for feature in facts.built.features if feature.policy == policy]
        if names:
            more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
            lines.append(f"- {text}: {', '.join(names[:NAMES])}{more}")
    return lines
