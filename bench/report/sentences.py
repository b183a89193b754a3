"""What each table of BENCHMARKS.md proves, in a sentence made of its own figures.

No verdict is typed: where a figure can go either way, the words are chosen by it. A sentence whose
rows are not there is "".
"""

from collections.abc import Sequence
from itertools import pairwise

from ..result import Row
from .tables import number, percent

OURS, ONE, MANY = "json", 1, 32
LOADED = "500x31"  # the model of which is told, where several were measured


def where(rows: Sequence[Row], **wanted: object) -> list[Row]:
    """Return the rows that were measured and have these values."""
    return [row for row in rows if "error" not in row
            and all(row.get(key) == value for key, value in wanted.items())]  # fmt: skip


def only(rows: Sequence[Row], **wanted: object) -> Row:
    """Return the first such row, an empty one if there is none."""
    return next(iter(where(rows, **wanted)), {})


def model_told(rows: Sequence[Row]) -> str:
    """Return the model of which is told: the loaded one, or the last."""
    names = [str(row["model"]) for row in rows]
    return LOADED if LOADED in names or not names else names[-1]


def times(more: float, less: float) -> str:
    """Return how many times."""
    return number(more / less)


def listed(parts: Sequence[str]) -> str:
    """Return an enumeration."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def before_after(rows: list[Row]) -> str:
    """Return three sentences: speed, what it takes, and whether it is LightGBM's answer."""
    known = where(rows)
    if len(known) < 2:
        return ""
    first, last = known[0], known[-1]
    leap = max(pairwise(known), key=lambda pair: float(pair[0]["cpu_us"] / pair[1]["cpu_us"]))
    return " ".join([
        f"From the service as people write it to this server, one core gives "
        f"{number(last['per_second'])} answers a second in place of {number(first['per_second'])}, "
        f"half of all answers come within {number(last['p50_us'])} µs in place of "
        f"{number(first['p50_us'])}, and an answer takes {number(last['cpu_us'])} µs of processor "
        f"time in place of {number(first['cpu_us'])}, {times(first['cpu_us'], last['cpu_us'])} "
        f"times less; the largest step is “{leap[1]['label']}”, "
        f"{times(leap[0]['cpu_us'], leap[1]['cpu_us'])} times.",
        f"It takes {number(last['memory_mib'])} MiB of memory in place of "
        f"{number(first['memory_mib'])}, gives its first answer after {number(last['start_s'])} s "
        f"in place of {number(first['start_s'])}, and its packages take "
        f"{number(last['packages_mib'])} MiB on disk in place of {number(first['packages_mib'])}.",
        agreement(known),
    ])  # fmt: skip


def agreement(rows: Sequence[Row]) -> str:
    """Return which of several give other probabilities or decisions than LightGBM."""
    asked = [row for row in rows if row.get("compared")]
    if not asked:
        return ""
    about = (f"Of {number(asked[0]['compared'])} applicants, half of them with a value exactly on "
             "a split,")  # fmt: skip
    wrong = [f"“{row['label']}” gives {number(row['different'])} another probability than LightGBM "
             f"(by {row['largest_error']:.1g} at most) and decides {row['flips'] or 'none'} "
             "otherwise" for row in asked if row["different"]]  # fmt: skip
    if not wrong:
        return f"{about} all get LightGBM's probability from all of them, to the bit."
    return f"{about} {listed(wrong)}; all others give LightGBM's, to the bit."


def peers(rows: list[Row]) -> str:
    """Return this server's rate and latency beside the peers', and who decides otherwise."""
    here = where(rows, model=rows[0]["model"]) if rows else []
    many, one = where(here, connections=MANY), where(here, connections=ONE)
    ours, alone = only(many, subject=OURS), only(one, subject=OURS)
    rates = sorted((ours["per_second"] / row["per_second"], row["label"])
                   for row in where(many, kind="peer") if ours and row["per_second"])  # fmt: skip
    waits = sorted((row["p50_us"], row["label"]) for row in where(one, kind="peer")
                   if row["p50_us"])  # fmt: skip
    if not (rates and waits and alone):
        return ""
    (least, near), (most, far) = rates[0], rates[-1]
    return " ".join(filter(None, [
        f"At {MANY} connections this server gives {number(least)} times ({near}) to "
        f"{number(most)} times ({far}) the answers a second of its peers.",
        f"At one connection half of its answers come within {number(alone['p50_us'])} µs; of the "
        f"peers the quickest, {waits[0][1]}, needs {number(waits[0][0])}.",
        granian(many), agreement(many), *elsewhere(rows),
    ]))  # fmt: skip


def elsewhere(rows: Sequence[Row]) -> list[str]:
    """Return rates and agreement on the other models, on which only some are measured."""
    others = dict.fromkeys(row["model"] for row in where(rows) if row["model"] != rows[0]["model"])
    told = []
    for name in others:
        mine = where(rows, model=name, connections=ONE)
        rates = [f"{number(row['per_second'])} by {row['label']}" for row in mine]
        told.append(f"On {name}, one at a time, a second's answers are {listed(rates)}.")
        told.append(agreement(mine))
    return told


def granian(many: Sequence[Row]) -> str:
    """Return what another server gives an empty endpoint."""
    theirs, usual = only(many, subject="granian"), only(many, subject="starlette")
    if not theirs or not usual:
        return ""
    return (f"An empty endpoint gets {times(theirs['per_second'], usual['per_second'])} of "
            "uvicorn's answers a second from granian.")  # fmt: skip


def cost(rows: list[Row]) -> str:
    """Return how a request grows with trees and features, and an applicant with the batch."""
    said = []
    for axis in ("trees", "features"):
        known = where(rows, axis=axis)
        if len(known) > 1:
            few, many = known[0], known[-1]
            said.append(
                f"from {number(few[axis])} {axis} to {number(many[axis])} "
                f"({times(many[axis], few[axis])} times) a request takes "
                f"{times(many['p50_us'], few['p50_us'])} times as long"
            )
    batches = where(rows, axis="batch")
    if len(batches) > 1:
        few, many = batches[0], batches[-1]
        said.append(
            f"among {number(many['batch'])} in a request an applicant takes "
            f"{times(many['applicant_us'], few['applicant_us'])} of one alone"
        )
    return sentence("; ".join(said))


def sentence(text: str) -> str:
    """Return a text with a capital and a full stop; "" stays."""
    return f"{text[0].upper()}{text[1:]}." if text else ""


def batch(rows: list[Row]) -> str:
    """Return what an applicant costs in the largest array, beside one alone and as it was."""
    mine = where(rows, model=model_told(rows), label="json")
    if len(mine) < 2:
        return ""
    one, last = mine[0], mine[-1]
    before = (f", and {number(last['times_before'])} of what it cost before arrays were read and "
              "scored as a block") if last.get("times_before") else ""  # fmt: skip
    return (f"In a JSON array of {number(last['batch'])} an applicant costs "
            f"{number(last['cpu_us'])} µs of processor time, "
            f"{times(last['cpu_us'], one['cpu_us'])} of one alone{before}.")  # fmt: skip


def answer(rows: list[Row]) -> str:
    """Return what an answer costs beside an earlier commit, and its rate beside an empty one's."""
    mine = where(rows, label="this server", connections=MANY)
    told = [
        f"{number(row['cpu_us_of_before'])} of the processor time of the earlier commit and "
        f"{number(row['per_second_of_empty'])} times the answers a second of an empty endpoint "
        f"({row['model']})" for row in mine
    ]  # fmt: skip
    return f"At {MANY} connections an answer takes {listed(told)}." if told else ""


def connections(rows: list[Row]) -> str:
    """Return the rate at one connection, and the best."""
    ours = where(rows, subject=OURS)
    if not ours:
        return ""
    one, best = only(ours, connections=ONE), max(ours, key=lambda row: row["per_second"])
    empty = only(rows, subject="starlette", connections=best["connections"])
    beside = (f", {times(best['per_second'], empty['per_second'])} times those of an empty "
              "Starlette endpoint") if empty else ""  # fmt: skip
    return (f"One connection gets {number(one['per_second'])} answers a second from one core; the "
            f"most, {number(best['per_second'])}, come at {best['connections']} connections"
            f"{beside}.") if one else ""  # fmt: skip


def record(rows: list[Row]) -> str:
    """Return what each way of keeping the record adds to a request."""
    told = [f"{number(row['above_us'])} µs ({percent(row['above_share'])}) with {row['label']}"
            for row in where(rows) if row.get("above_us") is not None]  # fmt: skip
    return f"Of processor time a request the record takes {listed(told)}." if told else ""


def contributions(rows: list[Row]) -> str:
    """Return what explaining takes, beside scoring and beside LightGBM."""
    mine = where(rows, model=model_told(rows))
    ours, theirs = only(mine, label="this server"), only(mine, label="LightGBM, pred_contrib")
    if not ours or not theirs:
        return ""
    return (f"Explaining an applicant takes {number(ours['scores'])} times the score alone; "
            f"LightGBM takes {times(theirs['cpu_us'], ours['cpu_us'])} times as long for "
            "it.")  # fmt: skip


def reasons(rows: list[Row]) -> str:
    """Return the rates that are left when every answer tells its reasons."""
    found = [only(rows, label="principal reasons", connections=count) for count in (ONE, MANY)]
    if not all(found):
        return ""
    one, many = found
    return (f"If every answer tells its principal reasons, {percent(one['of_rate'])} of the "
            f"answers a second are left at one connection and {percent(many['of_rate'])} at "
            f"{MANY}.")  # fmt: skip


def portfolio(rows: list[Row]) -> str:
    """Return what a row costs, beside the quickest and the slowest way of others."""
    mine = where(rows, model=rows[0]["model"], threads=1) if rows else []
    ours = only(mine, label="server score")
    others = [row for row in mine if not str(row["label"]).startswith("server score")]
    if not ours or not others:
        return ""
    least, most = (pick(others, key=lambda row: float(row["cpu_times"])) for pick in (min, max))
    wrong = [f"{row['label']} gives {number(row['different'])} of them another probability"
             for row in others if row["different"]]  # fmt: skip
    return (f"A row of {number(ours['count'])} costs `server score` {number(ours['cpu_us'])} µs of "
            f"processor time, start, reading and writing in it; others take "
            f"{number(least['cpu_times'])} ({least['label']}) to {number(most['cpu_times'])} times "
            f"as much ({most['label']}); "
            f"{listed(wrong) or 'all give the same probabilities'}.")  # fmt: skip


def explained(rows: list[Row]) -> str:
    """Return what explaining a file takes, beside LightGBM's own way."""
    ours = only(rows, label="server score --reasons all")
    theirs = [row for row in where(rows) if "apart" in row and row is not ours]
    if not ours or not theirs:
        return ""
    return (f"Explaining every row, `server score --reasons all` does {number(ours['per_s'])} rows "
            f"a second; {theirs[0]['label']} takes {number(theirs[0]['wall_times'])} times as "
            "long.")  # fmt: skip


def engines(rows: list[Row]) -> str:
    """Return what is left of the speed on Ray and Spark."""
    told = [f"“{row['label']}” has {percent(row['of_score'])} of its rows a second"
            for row in where(rows)[1:]]  # fmt: skip
    return f"Beside `server score`, once warm, {listed(told)}." if told else ""


def latency(rows: list[Row]) -> str:
    """Return the tail at each share of capacity, beside an empty endpoint's."""
    told = []
    for row in where(rows, subject=OURS):
        empty = only(rows, subject="starlette", share=row["share"])
        if row["p99_us"] is None:
            continue
        beside = f" (an empty endpoint's within {number(empty['p99_us'])})" if empty else ""
        told.append(f"at {percent(row['share'])} of its capacity, {number(row['offered'])} a "
                    f"second, 99 % of answers come within {number(row['p99_us'])} µs"
                    f"{beside}")  # fmt: skip
    return sentence("; ".join(told))


def peers_latency(rows: list[Row]) -> str:
    """Return the tail of this server and the best of its peers' at half of their capacity."""
    half = [row for row in where(rows, share=0.5) if row["p90_us"] is not None]
    ours = only(half, subject=OURS)
    theirs = sorted((row["p90_us"], row["label"], row["offered"])
                    for row in where(half, kind="peer"))  # fmt: skip
    if not ours or not theirs:
        return ""
    best, label, offered = theirs[0]
    return (f"At half of its own capacity, {number(ours['offered'])} a second, 90 % of this "
            f"server's answers come within {number(ours['p90_us'])} µs; of the peers, at half of "
            f"theirs, the best is {label}: {number(best)} µs at {number(offered)} a "
            "second.")  # fmt: skip


def soak(rows: list[Row]) -> str:
    """Return whether memory, descriptors or threads grew."""
    known = where(rows)
    if len(known) < 2:
        return ""
    first, last = known[0], known[-1]
    words = {"memory_mib": "memory", "descriptors": "open descriptors", "threads": "threads"}
    told = [f"{name} from {number(first[key])} to {number(last[key])}"
            + (" MiB" if key == "memory_mib" else "") for key, name in words.items()]  # fmt: skip
    grew = [name for key, name in words.items() if last[key] > first[key]]
    verdict = f"{listed(grew)} grew" if grew else "nothing grew"
    return f"In {number(last['minute'])} minutes under load {verdict}: {listed(told)}."


def protocol(rows: list[Row]) -> str:
    """Return what the protocol takes, here and elsewhere, beside /score."""
    told = [f"{row['label'].removeprefix('this server, ')} takes {number(row['cpu_of_json'])}"
            for row in where(rows, connections=MANY)
            if "cpu_of_json" in row and row["subject"] != OURS]  # fmt: skip
    return (f"Where a JSON request to `/score` takes 1 of processor time at {MANY} connections, "
            f"{listed(told)}.") if told else ""  # fmt: skip


def ladder(rows: list[Row]) -> str:
    """Return the native engine beside LightGBM's own call, the floor, and the best of others."""
    mine = where(rows, model=model_told(rows))
    ours, lightgbm, floor = (only(mine, engine=name)
                             for name in ("native", "single-row-fast", "floor"))  # fmt: skip
    others = sorted((row["p50_us"], row["label"]) for row in mine if row["engine"] in FOREIGN)
    if not (ours and lightgbm and floor):
        return ""
    verdict = "None was found" if not others or others[0][0] > ours["p50_us"] else "Yes"
    beside = (f"; the quickest of others, {others[0][1]}, takes "
              f"{times(others[0][0], ours['p50_us'])} times as long") if others else ""  # fmt: skip
    return (f"{verdict}: the native engine scores an applicant in {number(ours['p50_us'])} µs "
            f"({ours['model']}), {times(ours['p50_us'], lightgbm['p50_us'])} of the time of "
            f"LightGBM's own call for one row and {times(ours['p50_us'], floor['p50_us'])} of that "
            f"of the best plain C loop{beside}.")  # fmt: skip


FOREIGN = ("lleaves", "lleaves-entry", "tl2cgen", "gtil")


def stages(rows: list[Row]) -> str:
    """Return the parts of a request that take most."""
    mine = where(rows, model=model_told(rows))
    whole = only(mine, stage="whole request")
    parts = sorted((row for row in mine if row["stage"] not in TOTALS),
                   key=lambda row: -float(row["p50_us"]))  # fmt: skip
    if not whole or not parts:
        return ""
    told = [f"“{row['stage']}” {number(row['p50_us'])}" for row in parts[:3]]
    return (f"In process a request takes {number(whole['p50_us'])} µs ({whole['model']}), most of "
            f"it {listed(told)}.")  # fmt: skip


TOTALS = ("sum of stages", "whole request")


def budget(rows: list[Row]) -> str:
    """Return how far an empty answer and a request in process make up the whole."""
    ratios = sorted(row["ratio"] for row in where(rows))
    return (f"An empty answer and a request in process add up to {number(ratios[0])} to "
            f"{number(ratios[-1])} of a request over HTTP.") if ratios else ""  # fmt: skip


def start(rows: list[Row]) -> str:
    """Return the time to the first answer, and its longest step."""
    mine = where(rows, model=model_told(rows))
    if len(mine) < 2:
        return ""
    longest = max(mine[:-1], key=lambda row: row["step_ms"])
    return (f"The first answer comes {number(mine[-1]['step_ms'])} ms after the process was "
            f"started; the longest step is “{longest['step']}”, {percent(longest['share'])} of "
            "it.")  # fmt: skip


def memory(rows: list[Row]) -> str:
    """Return what a worker takes and a request leaves."""
    mine = where(rows, model=model_told(rows))
    worker = only(mine, what="worker in all")
    left = next((row for row in mine if str(row["what"]).startswith("left by")), {})
    if not worker or not left:
        return ""
    return (f"A worker takes {number(worker['mib'])} MiB, and a request leaves "
            f"{number(left['bytes'])} bytes behind.")  # fmt: skip
