"""The counters as Prometheus text (format 0.0.4)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from .counters import AT, BUCKETS, DECISIONS, ENDPOINTS, GAUGES, HISTOGRAM, LAYOUT, STAGES, STATUSES

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
HELP = {
    "applicants": ("credit_applicants_total", "applicants scored and answered"),
    "in_flight": ("credit_in_flight", "requests begun and not yet answered"),
    "connections": ("credit_connections", "open connections"),
    "shed": ("credit_shed_total", "requests refused with 503 because the queue was full"),
    "timeouts": ("credit_client_timeouts_total", "connections closed because the client was slow"),
    "faults": ("credit_faults_total", "faults named in refused bodies"),
    "warnings": ("credit_warnings_total", "warnings given with answers"),
    "log_bytes": ("credit_log_bytes_total", "bytes written to the prediction log"),
    "log_records": ("credit_log_records_total", "records written to the prediction log"),
    "log_failures": ("credit_log_failures_total", "requests that could not be recorded"),
    "log_unrecorded": ("credit_log_dropped_total", "answers sent without a record"),
    "restarts": ("credit_worker_restarts_total", "workers that died and were replaced"),
    "gc_pauses": ("credit_gc_pauses_total", "runs of the garbage collector"),
    "shadow_scored": ("credit_shadow_scored_total", "applicants scored by the shadow version"),
    "shadow_failed": ("credit_shadow_failed_total", "applicants the shadow version refused"),
    "shadow_disagreed": (
        "credit_shadow_disagreed_total",
        "decisions on which the shadow version differed",
    ),
    "replayed": ("credit_idempotent_replays_total", "stored answers sent again"),
    "unhandled": ("credit_unhandled_errors_total", "requests that ended in an unforeseen error"),
}
NANOSECONDS = {
    "gc_ns": ("credit_gc_pause_seconds_total", "time in the garbage collector"),
    "shadow_ns": ("credit_shadow_seconds_total", "time spent on the shadow version"),
}


def render(sums: Sequence[int]) -> Iterator[str]:
    """Yield the lines of all counters."""
    for name, (metric, text) in HELP.items():
        kind = "gauge" if name in GAUGES else "counter"
        yield from (head(metric, kind, text), f"{metric} {sums[AT['plain', name]]}\n")
    for name, (metric, text) in NANOSECONDS.items():
        yield from (
            head(metric, "counter", text),
            f"{metric} {sums[AT['plain', name]] / 1e9:.9f}\n",
        )
    yield head("credit_requests_total", "counter", "answered requests")
    for endpoint in ENDPOINTS:
        for status in STATUSES:
            labels = f'{{endpoint="{endpoint}",status="{status}"}}'
            yield f"credit_requests_total{labels} {sums[AT['requests', endpoint, status]]}\n"
    yield head("credit_decisions_total", "counter", "decisions answered")
    for name in DECISIONS:
        yield f'credit_decisions_total{{decision="{name}"}} {sums[AT["decisions", name]]}\n'
    yield head("credit_stage_seconds", "histogram", "time of a scoring request by stage")
    for stage in STAGES:
        yield from histogram(stage, sums[LAYOUT.stages[stage] : LAYOUT.stages[stage] + HISTOGRAM])


def histogram(stage: str, values: Sequence[int]) -> Iterator[str]:
    """Yield the lines of one stage; buckets are cumulative."""
    total = 0
    for bound, count in zip([*map(str, BUCKETS), "+Inf"], values, strict=False):
        total += count
        yield f'credit_stage_seconds_bucket{{stage="{stage}",le="{bound}"}} {total}\n'
    yield f'credit_stage_seconds_sum{{stage="{stage}"}} {values[-1] / 1e9:.9f}\n'
    yield f'credit_stage_seconds_count{{stage="{stage}"}} {total}\n'


def gauge(metric: str, text: str, samples: Sequence[tuple[dict[str, str], float]]) -> str:
    """Return a gauge with labels."""
    lines = [head(metric, "gauge", text)]
    for labels, value in samples:
        inside = ",".join(f'{name}="{escape(label)}"' for name, label in labels.items())
        lines.append(f"{metric}{{{inside}}} {value:g}\n")
    return "".join(lines)


def head(metric: str, kind: str, text: str) -> str:
    """Return the two comment lines of a metric."""
    return f"# HELP {metric} {text}\n# TYPE {metric} {kind}\n"


def escape(label: str) -> str:
    """Escape a label's value."""
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def foreign(file: Path | None) -> str:
    """Return another job's Prometheus text; "" if the file does not exist yet."""
    try:
        return file.read_text() if file and file.is_file() else ""  # opening a FIFO would block
    except OSError:
        return ""
