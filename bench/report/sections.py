"""The tables of BENCHMARKS.md in order: which columns of which result each one shows."""

from .tables import Column, Table, percent, text, tiny

QUANTILES = (Column("p50", "p50_us"), Column("p90", "p90_us"), Column("p99", "p99_us"),
             Column("p99.9", "p999_us"))  # fmt: skip
ENGINE_COLUMNS = (
    Column("", "label", text), *QUANTILES, Column("p50 spread", "spread", percent),
    Column("p50, times the floor", "of_floor"), Column("load ms", "load_ms"),
    Column("file kB", "size_kb"), Column("PSS MiB", "pss_mib"), Column("peak MiB", "peak_mib"),
    Column("rows with other bits", "different"), Column("largest error", "largest_error", tiny),
    Column("flips", "flips"),
    Column("error on splits", "largest_error_on_thresholds", tiny),
    Column("flips on splits", "flips_on_thresholds"), Column("rows compared", "compared"),
    Column("samples", "samples"),
)  # fmt: skip
LADDER = Table(
    "ladder",
    "One applicant, in process",
    "From a row of numbers (for the first: a dict, as it comes out of JSON) to a probability, in "
    "microseconds. Each engine has a process of its own; engines take turns, round by round; every "
    "row is timed once. Compared with LightGBM bit for bit: on ordinary rows, and on rows with one "
    "value exactly on a split of the model, which is where single precision goes wrong. A flip is "
    "a decision that comes out otherwise at a threshold of 0.2, near the share of bad applicants. "
    "The floor is the best plain C loop found over the native engine's arrays (12, 16 or 20 trees "
    "at once, whichever is fastest on the first 200 rows), compiled for this processor. It times "
    "the walk alone, by a clock in C: no call from Python, no row laid out, no probability, all of "
    "which the engines' times hold; its load time is that of a layout made in Python.",
    ENGINE_COLUMNS,
    ("model",),
    "ladder",
)
COMPILERS = Table(
    "compilers",
    "One applicant, in process: what compiles trees",
    "The same, against what needs an environment of its own, measured by `make bench-peers`. "
    "lleaves and TL2cgen compile each model ahead, which takes seconds to minutes and is not timed "
    "here; the call is their public Python one, and for lleaves also its compiled function alone, "
    "through ctypes, which its Python calls.",
    ENGINE_COLUMNS,
    ("model",),
    "compilers",
)
CONTRIBUTIONS = Table(
    "contributions",
    "One applicant explained, in process",
    "From a row of numbers to what each feature contributes to its score (SHAP values), in "
    "microseconds of processor time, by one thread. All stand in one process and take turns of 100 "
    "distinct rows; those that need an environment of their own stand there beside this server and "
    "LightGBM. `scores` is the time as a multiple of this server's score of the row, `faster` how "
    "many times LightGBM's `pred_contrib` takes, both medians over rounds. `apart` is the largest "
    "difference from this server's contributions on 20 rows. Portable is the code without AVX2 "
    "and AVX-512, whose bits are the same. XGBoost explains a model of its own, of as many trees "
    "and leaves.",
    (
        Column("", "label", text), Column("us", "cpu_us"), Column("scores", "scores"),
        Column("faster", "faster"), Column("apart", "apart", tiny), Column("samples", "samples"),
    ),
    ("model",),
)  # fmt: skip
REASONS = Table(
    "reasons",
    "Reasons over HTTP",
    "What reasons cost an answer, a start and memory. "
    "Everybody is refused, so every answer of the second way tells four principal reasons out of "
    "120, and the third every contribution too. The record is on: it holds what is answered. "
    "`rate` is a multiple of the answers a second without reasons, `p50` of the median latency, "
    "each the median over rounds in which the servers took turns. Below, a worker that has "
    "answered for a second, and the time from spawn to first answer, with the bundle and with the "
    "same bundle without covers, which explains nothing.",
    (
        Column("", "label", text), Column("connections", "connections"),
        Column("answers/s", "per_second"), Column("rate, times", "of_rate"),
        Column("p50 us", "p50_us"), Column("p50, times", "of_p50"), Column("CPU us", "cpu_us"),
        Column("failed", "failed"), Column("start ms", "start_ms"),
        Column("start, times", "of_start"), Column("PSS MiB", "pss_mib"),
        Column("bytes a split", "bytes_a_split"), Column("rounds", "rounds"),
    ),
    ("model",),
)  # fmt: skip
PORTFOLIO = Table(
    "portfolio",
    "A portfolio",
    "What a row of a large file costs, and whether other ways give the same scores. From a Parquet "
    "file of applicants to one with their scores, microseconds a row. Each way is a "
    "process of its own, from its start to its end, on as many cores as it has threads; ways take "
    "turns, round by round. `times` is what it took as a multiple of `server score` on the same "
    "file with as many threads, the median over rounds. Most memory is that of the process at its "
    "peak. A flip is a decision other than that of `server score`, `other bits` a probability that "
    "is not the same number. The ways with pandas read, predict and write the whole table at once; "
    "onnxruntime runs the bundle's own graph, lleaves has compiled before; MLflow, Treelite and "
    "lleaves stand in an environment of their own. `before columns` is commit c191e35: rows one by "
    "one, one thread. A start of about a second counts the more the fewer rows follow; the larger "
    "files are scored once, by `server score` alone. `spread` is the range of times, CPU, over the "
    "rounds, as a share of their median.",
    (
        Column("", "label", text), Column("threads", "threads"), Column("rows", "count"),
        Column("CPU us", "cpu_us"), Column("times, CPU", "cpu_times"),
        Column("spread", "cpu_spread", percent), Column("wall us", "wall_us"),
        Column("times, wall", "wall_times"), Column("most memory MiB", "mib"),
        Column("flips", "flips"), Column("other bits", "different"), Column("rounds", "rounds"),
    ),
    ("model",),
)  # fmt: skip
EXPLAINED = Table(
    "portfolio_explained",
    "A portfolio explained",
    "What it costs to explain every row of a file, beside LightGBM's own way. From file to file as "
    "above, with what each feature contributes to each score, a column a "
    "feature, on all cores: `server score --reasons all`, and pandas with LightGBM's "
    "`Booster.predict(pred_contrib=True)`. `times` is what it took as a multiple of `server "
    "score --reasons all`; `apart` is the largest difference from its contributions. `server "
    "score` without reasons stands beside.",
    (
        Column("", "label", text), Column("threads", "threads"), Column("rows", "count"),
        Column("rows/s", "per_s"), Column("wall us", "wall_us"),
        Column("times, wall", "wall_times"), Column("CPU us", "cpu_us"),
        Column("times, CPU", "cpu_times"), Column("most memory MiB", "mib"),
        Column("apart", "apart", tiny), Column("rounds", "rounds"),
    ),
    ("model",),
)  # fmt: skip
ENGINES = Table(
    "portfolio_engines",
    "A portfolio on Ray and Spark",
    "How much of the speed of `server score` is left on Ray and on Spark. A folder of "
    "Parquet parts with the demo model's rows, scored by the examples in deploy/ on "
    "one machine. Each is run on a small book and on a large one, several times; the difference of "
    "the least times, which holds no start, gives the rows a second once warm, and `of server "
    "score` compares them.",
    (
        Column("", "label", text), Column("small book, rows", "few"), Column("s", "few_s"),
        Column("large book, rows", "many"), Column("s ", "many_s"), Column("rows/s", "per_s"),
        Column("of server score", "of_score"),
    ),
    ("model",),
)  # fmt: skip
STAGES = Table(
    "stages",
    "The budget of one request",
    "The server's own parts in the order it calls them, with a clock between them, in "
    "microseconds, JSON, record on. `whole request` is the server's `/score` callable on the same "
    "applicants, in turn with the stages; HTTP itself is not in it.",
    (Column("stage", "stage", text), *QUANTILES, Column("samples", "samples")),
    ("model",),
)
BUDGET = Table(
    "budget",
    "The budget over HTTP",
    "An empty answer of this server, the request in process, and this server, microseconds: the "
    "parts beside the whole, all measured within seconds, round after round. The empty answer is "
    "this server's own HTTP around a constant of a score's form. At one connection the request in "
    "process is as alone as there: before each the processor has slept until the other core sent a "
    "byte. At 32 the fast path writes the records of a group commit at once, so there the sum is "
    "above the whole. What the sum lacks is what the parts cost each other: HTTP and scoring "
    "turn each other out of the processor's caches, most of all on the ASGI path, which runs the "
    "most code; and an answer that took longer finds its client more deeply asleep.",
    (
        Column("path", "path", text), Column("connections", "connections"),
        Column("figure", "figure", text), Column("empty answer", "empty_us"),
        Column("request in process", "request_us"), Column("this server", "http_us"),
        Column("parts / whole", "ratio"), Column("spread", "ratio_spread", percent),
    ),
    ("model",),
)  # fmt: skip
COST = Table(
    "cost",
    "What a request costs against its size",
    "The `/score` callable in process, the record on, microseconds; the trees alone beside it. One "
    "thing varies at a time: trees, the features of an applicant, applicants in one request.",
    (
        Column("model", "model", text), Column("trees", "trees"), Column("leaves", "leaves"),
        Column("features", "features"), Column("applicants", "batch"),
        Column("body kB", "body_kb"), Column("trees alone, one row", "engine_us"),
        Column("request p50", "p50_us"), Column("request p90", "p90_us"),
        Column("an applicant", "applicant_us"), Column("samples", "samples"),
    ),
    ("axis",),
    "cost",
)  # fmt: skip
BATCH = Table(
    "batch",
    "An applicant in a batch",
    "How much less an applicant costs in a batch. "
    "Processor time an applicant, microseconds: one worker over HTTP, one request after the other, "
    "the record on, an array of so many applicants in each (one alone is no array). `times before` "
    "is the time as a multiple of commit c191e35, before batches were read and scored as a block; "
    "both servers stand at once and take turns, and the median is over rounds. That commit knows "
    "no reasons, so none are given here (`--reasons none`).",
    (
        Column("", "label", text), Column("applicants", "batch"), Column("CPU us", "cpu_us"),
        Column("before", "before_us"), Column("times before", "times_before"),
        Column("rounds", "rounds"),
    ),
    ("model",),
)  # fmt: skip
HTTP_COLUMNS = (
    Column("", "label", text), Column("answers/s", "per_second"),
    Column("spread", "spread", percent), Column("CPU us", "cpu_us"), Column("p50 us", "p50_us"),
    Column("p99 us", "p99_us"), Column("failed", "failed"), Column("samples", "samples"),
    Column("PSS MiB", "memory_mib"), Column("start s", "start_s"),
    Column("idle", "idle", percent),
)  # fmt: skip
SATURATION = Table(
    "saturation",
    "Over HTTP: saturation",
    "One worker on one core, the generator on another, a closed loop. All servers stand at once "
    "and take turns. `CPU us` is the processor time of the server and its children per answer, "
    "`idle` the share of a core it takes without a request. Latencies here count from the real "
    "send time, so they hide queueing; those under open load do not. Failed are answers other "
    "than 200, among them the 503 with which this server refuses what would wait too long.",
    HTTP_COLUMNS,
    ("model", "connections"),
    "saturation",
)
PEERS = Table(
    "peers",
    "Over HTTP: this server and its peers",
    "The same with the peers, measured by `make bench-peers`: each in an environment of its own, "
    "started as its documentation says, tuned as its file in bench/peers tells: one worker, one "
    "thread in LightGBM, no access log. MLServer and KServe get the Open Inference Protocol in "
    "JSON, the others one JSON object per applicant.",
    HTTP_COLUMNS,
    ("model", "connections"),
    "peers",
)
PROTOCOL = Table(
    "protocol",
    "Open Inference Protocol: this server, MLServer and KServe",
    "What the standard protocol costs here and at its other servers, beside /score. One row a "
    "request, and batches of 1,000, with the record on, in a closed loop; the servers "
    "stand at once and take turns. Ratios are medians of those within a round: processor time and "
    "p50 with those of JSON on /score; how many times the answers a second of a peer this server "
    "gives in binary and in JSON; and the processor time of a batch with that of its trees and its "
    "record alone, timed in process on the same core.",
    (
        Column("", "label", text), Column("connections", "connections"),
        Column("answers/s", "per_second"), Column("p50 us", "p50_us"),
        Column("CPU us", "cpu_us"), Column("CPU, /score = 1", "cpu_of_json"),
        Column("p50, /score = 1", "p50_of_json"), Column("binary, times theirs", "oip_times"),
        Column("JSON, times theirs", "oip_json_times"),
        Column("trees and record alone, CPU us", "alone_us"),
        Column("CPU, alone = 1", "of_alone"), Column("failed", "failed"),
    ),
    ("model",),
)  # fmt: skip
OPEN_COLUMNS = (
    Column("", "label", text), Column("offered/s", "offered"),
    Column("of capacity", "of_capacity", percent), *QUANTILES,
    Column("p50 spread", "spread", percent), Column("failed", "failed"),
    Column("samples", "samples"), Column("generator late, p50", "late_p50_us"),
    Column("p99", "late_p99_us"), Column("generator at", "of_generator", percent),
)  # fmt: skip
LATENCY = Table(
    "latency",
    "Over HTTP: latency under open load",
    "Requests arrive as a Poisson process at a share of each server's own capacity, whether or not "
    "earlier ones were answered; latency, in microseconds, counts from the moment a request was "
    "meant to leave, so it holds how late the generator was, which is told. `generator at` is the "
    "rate offered as a share of the most this generator does against an empty protocol; it is "
    "asked for at most 70 %, so a fast server may get less than its share of capacity: that column "
    "says what it got. What failed or was never answered is counted. Before it began, a loop that "
    "does nothing but read the clock was run on both cores: the share of time in which it stood "
    "still is told, and what arrives then waits, on whichever server.",
    OPEN_COLUMNS,
    ("model", "share"),
    "latency",
)
PEERS_LATENCY = Table(
    "peers_latency",
    "Over HTTP: the peers under open load",
    "The same with the peers, each at a share of its own capacity.",
    OPEN_COLUMNS,
    ("model", "share"),
    "peers_latency",
)
START = Table(
    "start",
    "Cold start",
    "From the spawn of the process to its first answer, milliseconds, medians. The steps before "
    "the socket opens are timed in a process of their own; what is left of the whole is the last "
    "but one.",
    (
        Column("step", "step", text), Column("ms", "step_ms"), Column("share", "share", percent),
        Column("samples", "samples"),
    ),
    ("model",),
)  # fmt: skip
MEMORY = Table(
    "memory",
    "Memory",
    "A worker after a second of load, proportional set size by mapping (smaps); and what Python "
    "allocated for requests in process (tracemalloc), in bytes.",
    (Column("", "what", text), Column("MiB", "mib"), Column("bytes", "bytes")),
    ("model",),
)
SOAK = Table(
    "soak",
    "Growth under steady load",
    "Memory, open descriptors and threads of all processes after each slice, latency from the "
    "intended send time. `python -m bench.soak --minutes 10`.",
    (
        Column("minute", "minute"), *QUANTILES, Column("failed", "failed"),
        Column("samples", "samples"), Column("PSS MiB", "memory_mib"),
        Column("descriptors", "descriptors"), Column("threads", "threads"),
    ),
    ("model",),
)  # fmt: skip
TABLES = (LADDER, COMPILERS, CONTRIBUTIONS, REASONS, PORTFOLIO, EXPLAINED, ENGINES, STAGES,
          BUDGET, COST, BATCH, SATURATION, LATENCY, PEERS, PEERS_LATENCY, PROTOCOL, START, MEMORY,
          SOAK)  # fmt: skip
# What measures a result, where it is not `python -m bench --only <result>`.
MEASURED_BY = {
    "compilers": "make bench-peers", "peers": "make bench-peers",
    "contributions": "make bench-peers", "peers_latency": "make bench-peers",
    "protocol": "python -m bench --only protocol (make bench-peers builds the peers)",
    "portfolio_explained": "python -m bench.portfolio.explained",
    "portfolio_engines": "python -m bench.portfolio.engines",
    "portfolio": "python -m bench.portfolio", "batch": "python -m bench.batch",
    "saturation": "python -m bench --only load",
    "latency": "python -m bench --only load", "start": "python -m bench --only process",
    "memory": "python -m bench --only process", "soak": "python -m bench.soak",
}  # fmt: skip
