"""The sections of BENCHMARKS.md in the order of a reader's questions."""

from . import sentences
from .tables import Column, Pivot, Table, percent, text, tiny

QUANTILES = (
    Column("half within, µs", "p50_us"), Column("90 % within", "p90_us"),
    Column("99 % within", "p99_us"), Column("99.9 % within", "p999_us"),
)  # fmt: skip
NAME, FAILED, SAMPLES = Column("", "label", text), Column("failed", "failed"), Column(
    "answers measured", "samples"
)  # fmt: skip
SPREAD = Column("spread over rounds", "spread", percent)
CPU = Column("processor time, µs", "cpu_us")
ROUNDS = Column("rounds", "rounds")
AGREEMENT = (
    Column("other probabilities", "different"), Column("off by at most", "largest_error", tiny),
    Column("other decisions", "flips"), Column("applicants compared", "compared"),
)  # fmt: skip
BEFORE_AFTER = Table(
    "before_after", "Before and after", sentences.before_after,
    "From the service as people write it to this server, one change a line; each keeps what is "
    "above it. Every step is a server of its own, in an environment of its own; all stand at once "
    "and take turns. Answers a second and processor time at 32 connections, latency at one. Memory "
    "(the proportional set size), start and answers are those of the step alone, the start the "
    "median of several. Packages are what the environment installs, on disk; the image, where "
    "there is one, is measured by itself (docs/image.md). A probability is another if one bit is; "
    "decisions are those at a threshold of 0.2.",
    (
        NAME, Column("answers a second", "per_second"), *QUANTILES,
        Column("processor time an answer, µs", "cpu_us"), Column("memory, MiB", "memory_mib"),
        Column("first answer after, s", "start_s"), Column("packages, MiB", "packages_mib"),
        Column("image, MB", "image_mb"), *AGREEMENT, SPREAD, FAILED,
    ),
    ("model",), "before_after",
    short=(
        NAME, Column("answers a second", "per_second"), QUANTILES[0], QUANTILES[2],
        Column("processor time, µs", "cpu_us"), Column("memory, MiB", "memory_mib"),
        Column("first answer after, s", "start_s"), Column("packages, MiB", "packages_mib"),
        AGREEMENT[0], AGREEMENT[2],
    ),
)  # fmt: skip
HTTP_COLUMNS = (
    NAME, Column("answers a second", "per_second"), SPREAD, CPU, QUANTILES[0], QUANTILES[2],
    FAILED, SAMPLES, Column("memory, MiB", "memory_mib"),
    Column("first answer after, s", "start_s"),
    Column("of a core when idle", "idle", percent), *AGREEMENT,
)  # fmt: skip
PEERS = Table(
    "peers", "How does it compare with what others serve with?", sentences.peers,
    "Measured by `make bench-peers`: each in an environment of its own, started as its "
    "documentation says, tuned as its file in bench/peers tells: one worker, one thread in "
    "LightGBM, no access log. MLServer and KServe get the Open Inference Protocol in JSON, the "
    "others one JSON object per applicant. Decisions are compared at a threshold of 0.2, on "
    "ordinary applicants and on as many with a value exactly on a split.",
    HTTP_COLUMNS, ("model", "connections"), "peers",
)  # fmt: skip
COST = Table(
    "cost", "How does it scale with trees, features and applicants in a request?", sentences.cost,
    "The `/score` callable in process, the record on; the trees alone beside it. One thing varies "
    "at a time.",
    (
        Column("model", "model", text), Column("trees", "trees"), Column("leaves", "leaves"),
        Column("features", "features"), Column("applicants", "batch"),
        Column("body, kB", "body_kb"), Column("trees alone, one row, µs", "engine_us"),
        Column("request, half within, µs", "p50_us"), Column("90 % within", "p90_us"),
        Column("an applicant, µs", "applicant_us"), Column("requests measured", "samples"),
    ),
    ("axis",), "cost",
)  # fmt: skip
BATCH = Table(
    "batch", "What does an applicant in an array cost?", sentences.batch,
    "Processor time an applicant: one worker over HTTP, one request after the other, the record "
    "on, an array of so many applicants in each (one alone is no array). *Times before* is the "
    "time as a multiple of commit c191e35, before arrays were read and scored as a block; both "
    "servers stand at once and take turns, and the median is over rounds. That commit knows no "
    "reasons, so none are given here (`--reasons none`).",
    (
        NAME, Column("applicants", "batch"), Column("processor time an applicant, µs", "cpu_us"),
        Column("before", "before_us"), Column("times before", "times_before"), ROUNDS,
    ),
    ("model",),
)  # fmt: skip
SATURATION = Table(
    "saturation", "How does it scale with connections?", sentences.connections,
    "One worker on one core, the generator on another; each connection sends as soon as it has its "
    "answer. All servers stand at once and take turns. Processor time is that of the server and "
    "its children per answer. Latency counts from when a request really left, so it hides what "
    "waits to be sent; for the tail see below. Failed are answers other than 200, among them the "
    "503 with which this server refuses what would wait too long.",
    HTTP_COLUMNS, ("model", "connections"), "saturation",
    (Pivot("answers a second", "per_second", "connections"),),
)  # fmt: skip
ANSWER = Table(
    "answer", "How does it compare with an earlier version?", sentences.answer,
    "This server, an earlier commit of it and an empty Starlette endpoint stand at once, one "
    "worker each on one core, the record on, and take turns; each connection sends as soon as it "
    "has its answer. Ratios are medians of those within a round. The earlier commit knows no "
    "reasons, so none are given (`--reasons none`); the queue holds all connections. "
    "`python -m bench.answer --before CHECKOUT`.",
    (
        NAME, Column("at once", "connections"), Column("answers a second", "per_second"),
        Column("empty = 1", "per_second_of_empty"), CPU, Column("before = 1", "cpu_us_of_before"),
        QUANTILES[0], QUANTILES[2], Column("before = 1 ", "p99_us_of_before"),
        Column("empty = 1 ", "p99_us_of_empty"), FAILED,
    ),
    ("model",),
)  # fmt: skip
RECORD = Table(
    "record_cost", "What does the record cost?", sentences.record,
    "One worker with the record and one without, 16 connections, a server each, in turn. What is "
    "there for the record is the median over rounds of the difference to the server without one in "
    "the same round, with the middle half of the rounds. `interval` adds the syncing thread. "
    "`always` waits for the disk, once for each group commit. Look at processor time first: "
    "answers a second tell more of what else the machine does.",
    (
        NAME, CPU, Column("for the record, µs", "above_us"),
        Column("middle half from", "above_low_us"), Column("to", "above_high_us"),
        Column("share", "above_share", percent),
        Column("answers a second", "per_second"),
        Column("of those without a record", "rate_share", percent),
        ROUNDS,
    ),
    ("model",), folded=False,
)  # fmt: skip
REASONS = Table(
    "reasons", "What do reasons cost?", sentences.reasons,
    "Everybody is refused, so every answer of the second way tells four principal reasons out of "
    "120, and the third every contribution too. The record is on: it holds what is answered. "
    "Shares are of the same without reasons, each the median over rounds in which the servers took "
    "turns. Below, a worker that has answered for a second, and the time from its start to the "
    "first answer, with the bundle and with the same one without covers, which explains nothing.",
    (
        NAME, Column("at once", "connections"), Column("answers a second", "per_second"),
        Column("share", "of_rate"), QUANTILES[0], Column("times", "of_p50"), CPU, FAILED,
        Column("first answer after, ms", "start_ms"), Column("times ", "of_start"),
        Column("memory, MiB", "pss_mib"), Column("bytes a split", "bytes_a_split"), ROUNDS,
    ),
    ("model",),
)  # fmt: skip
CONTRIBUTIONS = Table(
    "contributions", "What does explaining one applicant cost?", sentences.contributions,
    "From a row of numbers to what each feature contributes to its score (SHAP values), processor "
    "time of one thread. All stand in one process and take turns of 100 distinct rows; those that "
    "need an environment of their own stand there beside this server and LightGBM. *Scores* is the "
    "time as a multiple of this server's score of the row, *times quicker* how many times "
    "LightGBM's `pred_contrib` takes, both medians over rounds. *Apart* is the largest difference "
    "from this server's contributions on 20 rows. Portable is the code without AVX2 and AVX-512, "
    "whose bits are the same. XGBoost explains a model of its own, of as many trees and leaves.",
    (
        NAME, CPU, Column("scores", "scores"), Column("times quicker", "faster"),
        Column("apart", "apart", tiny), Column("rows measured", "samples"),
    ),
    ("model",), pivots=(Pivot("processor time, µs", "cpu_us", "model"),),
)  # fmt: skip
PORTFOLIO = Table(
    "portfolio", "What does a portfolio cost?", sentences.portfolio,
    "From a Parquet file of applicants to one with their scores. Each way is a process of its own, "
    "from its start to its end, on as many cores as it has threads; ways take turns, round by "
    "round. *Times* is what it took as a multiple of `server score` on the same file with as many "
    "threads, the median over rounds. Most memory is that of the process at its peak. A decision "
    "is another if `server score` decides otherwise, a probability if it is not the same number. "
    "The ways with pandas read, predict and write the whole table at once; onnxruntime runs the "
    "bundle's own graph, lleaves has compiled before; MLflow, Treelite and lleaves stand in an "
    "environment of their own. `before columns` is commit c191e35: rows one by one, one thread. A "
    "start of about a second counts the more the fewer rows follow; the larger files are scored "
    "once, by `server score` alone. *Spread* is the range over the rounds, as a share of their "
    "median.",
    (
        NAME, Column("threads", "threads"), Column("rows", "count"),
        Column("processor time a row, µs", "cpu_us"), Column("times", "cpu_times"),
        Column("spread", "cpu_spread", percent), Column("on the clock a row, µs", "wall_us"),
        Column("times ", "wall_times"), Column("most memory, MiB", "mib"),
        Column("other decisions", "flips"), Column("other probabilities", "different"), ROUNDS,
    ),
    ("model",),
    pivots=(Pivot("processor time a row, one thread, µs", "cpu_us", "model", only=("threads", 1)),),
)  # fmt: skip
EXPLAINED = Table(
    "portfolio_explained", "What does a portfolio with reasons cost?", sentences.explained,
    "From file to file as above, with what each feature contributes to each score, a column a "
    "feature, on all cores: `server score --reasons all`, and pandas with LightGBM's "
    "`Booster.predict(pred_contrib=True)`. *Times* is what it took as a multiple of `server score "
    "--reasons all`; *apart* is the largest difference from its contributions. `server score` "
    "without reasons stands beside.",
    (
        NAME, Column("threads", "threads"), Column("rows", "count"),
        Column("rows a second", "per_s"), Column("on the clock a row, µs", "wall_us"),
        Column("times", "wall_times"), Column("processor time a row, µs", "cpu_us"),
        Column("times ", "cpu_times"), Column("most memory, MiB", "mib"),
        Column("apart", "apart", tiny), ROUNDS,
    ),
    ("model",),
)  # fmt: skip
ENGINES = Table(
    "portfolio_engines", "How fast is a portfolio on Ray and Spark?", sentences.engines,
    "A folder of Parquet parts with the demo model's rows, scored by the examples in deploy/ on "
    "one machine. Each is run on a small book and on a large one, several times; the difference of "
    "the least times, which holds no start, gives the rows a second once warm, and *of server "
    "score* compares them.",
    (
        NAME, Column("small book, rows", "few"), Column("s", "few_s"),
        Column("large book, rows", "many"), Column("s ", "many_s"),
        Column("rows a second", "per_s"), Column("of server score", "of_score"),
    ),
    ("model",),
)  # fmt: skip
OPEN_COLUMNS = (
    NAME, Column("offered a second", "offered"), Column("of capacity", "of_capacity", percent),
    *QUANTILES, SPREAD, FAILED, SAMPLES, Column("sent late, half within, µs", "late_p50_us"),
    Column("99 % within ", "late_p99_us"), Column("of the generator", "of_generator", percent),
)  # fmt: skip
TAIL = Pivot("99 % within, µs", "p99_us", "share")
LATENCY = Table(
    "latency", "How is the tail?", sentences.latency,
    "Requests arrive as a Poisson process at a share of each server's own capacity, whether or not "
    "earlier ones were answered; latency counts from the moment a request was meant to leave, so "
    "it holds how late the generator was, which is told. *Of the generator* is the rate offered as "
    "a share of the most this generator does against an empty protocol; it is asked for at most 70 "
    "%, so a fast server may get less than its share of capacity: that column says what it got. "
    "What failed or was never answered is counted. Before it began, a loop that does nothing but "
    "read the clock was run on both cores: the share of time in which it stood still is told, and "
    "what arrives then waits, on whichever server.",
    OPEN_COLUMNS, ("model", "share"), "latency", (TAIL,),
)  # fmt: skip
PEERS_LATENCY = Table(
    "peers_latency", "How is the tail of the others?", sentences.peers_latency,
    "As above, each at a share of its own capacity.",
    OPEN_COLUMNS, ("model", "share"), "peers_latency",
    (Pivot("90 % within, µs", "p90_us", "share"), TAIL),
)  # fmt: skip
SOAK = Table(
    "soak", "Does it grow?", sentences.soak,
    "Memory, open descriptors and threads of all processes after each slice, latency from the "
    "intended send time. `python -m bench.soak --minutes 10`.",
    (
        Column("minute", "minute"), *QUANTILES, FAILED, SAMPLES,
        Column("memory, MiB", "memory_mib"), Column("descriptors", "descriptors"),
        Column("threads", "threads"),
    ),
    ("model",),
)  # fmt: skip
MEMORY = Table(
    "memory", "What does the memory hold?", sentences.memory,
    "A worker after a second of load, proportional set size by mapping (smaps); and what Python "
    "allocated for requests in process (tracemalloc).",
    (), ("model",), pivots=(
        Pivot("MiB", "mib", "model", "what"), Pivot("bytes", "bytes", "model", "what"),
    ), folded=False,
)  # fmt: skip
START = Table(
    "start", "How long does a start take?", sentences.start,
    "From the spawn of the process to its first answer, medians. The steps before the socket opens "
    "are timed in a process of their own; what is left of the whole is the last but one.",
    (), ("model",), pivots=(Pivot("ms", "step_ms", "model", "step"),), folded=False,
)  # fmt: skip
PROTOCOL = Table(
    "protocol", "What does the standard protocol cost?", sentences.protocol,
    "The Open Inference Protocol here and at its other servers, beside /score. One row a request, "
    "and batches of 1,000, with the record on, each connection sending as soon as it has its "
    "answer; the servers stand at once and take turns. Ratios are medians of those within a round: "
    "processor time and latency with those of JSON on /score; how many times the answers a second "
    "of a peer this server gives in binary and in JSON; and the processor time of a batch with "
    "that of its trees and its record alone, timed in process on the same core.",
    (
        NAME, Column("at once", "connections"), Column("answers a second", "per_second"),
        QUANTILES[0], CPU, Column("processor time, /score = 1", "cpu_of_json"),
        Column("half within, /score = 1", "p50_of_json"),
        Column("binary, times theirs", "oip_times"),
        Column("JSON, times theirs", "oip_json_times"),
        Column("trees and record alone, processor time, µs", "alone_us"),
        Column("processor time, alone = 1", "of_alone"), FAILED,
    ),
    ("model",),
)  # fmt: skip
LADDER = Table(
    "ladder", "Is there a faster engine?", sentences.ladder,
    "From a row of numbers to a probability, in process. Each engine has a process of its own; "
    "engines take turns, round by round; every row is timed once. Compared with LightGBM bit for "
    "bit: on ordinary rows, and on rows with one value exactly on a split of the model, which is "
    "where single precision goes wrong. Decisions are those at a threshold of 0.2, near the share "
    "of bad applicants. The floor is the best plain C loop found over the native engine's arrays "
    "(12, 16 or 20 trees at once, whichever is fastest on the first 200 rows), compiled for this "
    "processor. It times the walk alone, by a clock in C: no call from Python, no row laid out, no "
    "probability, all of which the engines' times hold; its load time is that of a layout made in "
    "Python. lleaves and TL2cgen compile each model ahead, which takes seconds to minutes "
    "and is not timed; the call is their public Python one, and for lleaves also its compiled "
    "function alone, through ctypes.",
    (
        NAME, *QUANTILES, SPREAD, Column("times the floor", "of_floor"),
        Column("load, ms", "load_ms"), Column("file, kB", "size_kb"),
        Column("memory, MiB", "pss_mib"), Column("at its peak", "peak_mib"),
        AGREEMENT[0], Column("off by at most", "largest_error", tiny), AGREEMENT[2],
        Column("on splits off by", "largest_error_on_thresholds", tiny),
        Column("other decisions on splits", "flips_on_thresholds"),
        Column("rows compared", "compared"), SAMPLES,
    ),
    ("model",), "ladder", (Pivot("half within, µs", "p50_us", "model"),),
)  # fmt: skip
STAGES = Table(
    "stages", "Where does the time of a request go?", sentences.stages,
    "The server's own parts in the order it calls them, with a clock between them, JSON, record "
    "on. `whole request` is the server's `/score` callable on the same applicants, in turn with "
    "the stages; HTTP itself is not in it.",
    (Column("stage", "stage", text), *QUANTILES, SAMPLES),
    ("model",), pivots=(Pivot("half within, µs", "p50_us", "model", "stage"),),
)  # fmt: skip
BUDGET = Table(
    "budget", "Do the parts add up over HTTP?", sentences.budget,
    "An empty answer of this server, the request in process, and this server, µs: the parts beside "
    "the whole, all measured within seconds, round after round. The empty answer is this server's "
    "own HTTP around a constant of a score's form. At one connection the request in process is as "
    "alone as there: before each the processor has slept until the other core sent a byte. At 32 "
    "the fast path writes the records of a group commit at once, so there the sum is above the "
    "whole. What the sum lacks is what the parts cost each other: HTTP and scoring turn each other "
    "out of the processor's caches, most of all on the ASGI path, which runs the most code; and an "
    "answer that took longer finds its client more deeply asleep.",
    (
        Column("path", "path", text), Column("at once", "connections"),
        Column("figure", "figure", text), Column("empty answer", "empty_us"),
        Column("request in process", "request_us"), Column("this server", "http_us"),
        Column("parts / whole", "ratio"), Column("spread", "ratio_spread", percent),
    ),
    ("model",),
)  # fmt: skip
TABLES = (BEFORE_AFTER, PEERS, COST, BATCH, SATURATION, ANSWER, RECORD, REASONS, CONTRIBUTIONS,
          PORTFOLIO, EXPLAINED, ENGINES, LATENCY, PEERS_LATENCY, SOAK, MEMORY, START, PROTOCOL,
          LADDER, STAGES, BUDGET)  # fmt: skip
# What measures a result, where it is not `python -m bench --only <result>`.
MEASURED_BY = {
    "peers_latency": "python -m bench --only peers",
    "portfolio_explained": "python -m bench.portfolio.explained",
    "portfolio_engines": "python -m bench.portfolio.engines",
    "portfolio": "python -m bench.portfolio", "batch": "python -m bench.batch",
    "answer": "python -m bench.answer --before CHECKOUT",
    "saturation": "python -m bench --only load",
    "latency": "python -m bench --only load", "start": "python -m bench --only process",
    "memory": "python -m bench --only process", "soak": "python -m bench.soak",
}  # fmt: skip
