"""Settings: frozen, each with one name, from CREDIT_* variables and from flags, which win."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_type_hints

import msgspec
from msgspec import Meta

PREFIX = "CREDIT_"
# Variables that Kubernetes sets in every container for each service.
SERVICE_LINK = re.compile(r"CREDIT_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_\w+)?)")
HINT = (
    "; Kubernetes sets such variables for a service named credit or credit-…: "
    "give the pod enableServiceLinks: false"
)
Fsync = Literal["never", "interval", "always"]
OnFailure = Literal["refuse", "answer"]
Features = Literal["all", "hashed", "none"]
Refused = Literal["never", "faults", "body"]
Unseen = Literal["error", "missing"]
Switch = Literal["on", "off"]
Platform = Literal["none", "sagemaker", "vertex", "azureml", "kserve", "mlflow"]
Wanted = Literal["auto", "native", "onnxruntime"]
Reasons = Literal["none", "principal", "all"]
LOAD_SECONDS = 300.0
NOTHING: Mapping[str, Any] = {}
NO_CHOICE = "Invalid enum value "  # as msgspec begins


class SettingsError(Exception):
    """A setting that is unknown or invalid; the message is one line and names it."""


class Told(NamedTuple):
    """The value of a setting, and where a platform tells it: a variable or a folder."""

    value: Any
    by: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of the server; the descriptions are shown by --help."""

    model: Annotated[
        Path,
        Meta(description="a bundle, models/<name>/<version>, or a folder of them"),
    ]
    default: Annotated[
        str | None,
        Meta(description="NAME or NAME/VERSION that answers /score; default: the newest version"),
    ] = None
    shadow: Annotated[
        str | None,
        Meta(description="NAME/VERSION scored in the background and recorded, never answered"),
    ] = None
    platform: Annotated[
        Platform,
        Meta(description="whose container contract is kept: its routes, port and model folder"),
    ] = "none"
    host: Annotated[str, Meta(description="address to bind")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="port to bind; 0 for any free one")] = (
        8000
    )
    admin_port: Annotated[
        Annotated[int, Meta(ge=0, le=65535)] | None,
        Meta(description="port for reload, restart and the OIP repository; default: off"),
    ] = None
    admin_decisions: Annotated[
        Switch,
        Meta(
            description="on: GET /decisions/REQUEST_ID on the admin port explains a recorded "
            "decision again, with the model that made it"
        ),
    ] = "off"
    grpc_port: Annotated[
        Annotated[int, Meta(ge=0, le=65535)] | None,
        Meta(description="port for the Open Inference Protocol over gRPC; default: off"),
    ] = None
    workers: Annotated[int, Meta(ge=1, description="processes sharing the port")] = 1
    log_dir: Annotated[Path, Meta(description="folder of the prediction log")] = Path("log")
    log_segment_mb: Annotated[
        int,
        Meta(
            ge=1, le=1_000_000, description="begin a new segment after this many MB, and each day"
        ),
    ] = 256
    log_fsync: Annotated[
        Fsync, Meta(description="when records are synced to disk: never, at an interval, or always")
    ] = "interval"
    log_fsync_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=3600,
            description="interval for log_fsync=interval; a power cut may lose that much",
        ),
    ] = 0.1
    log_on_failure: Annotated[
        OnFailure,
        Meta(description="if the log cannot be written: refuse (503), or answer and count"),
    ] = "refuse"
    log_features: Annotated[
        Features,
        Meta(
            description="which of the applicant's values to record: all, a hash of the row, or none"
        ),
    ] = "all"
    log_salt_file: Annotated[
        Path | None, Meta(description="secret key for log_features=hashed, at least 16 bytes")
    ] = None
    log_refused: Annotated[
        Refused,
        Meta(description="what to record of refused requests: nothing, faults (no values) or body"),
    ] = "faults"
    log_chain: Annotated[
        bool, Meta(description="write a hash chain, so that changed lines can be found")
    ] = False
    unseen: Annotated[
        Unseen,
        Meta(description="a category not seen in training: an error, or missing with a warning"),
    ] = "error"
    reasons: Annotated[
        Reasons,
        Meta(
            description="reasons that are answered if the bundle has reason codes: none, principal "
            "(of what is not approved), or all contributions too"
        ),
    ] = "principal"
    max_body: Annotated[int, Meta(ge=1, description="largest body in bytes; above: 413")] = (
        4 * 1024 * 1024
    )
    max_batch: Annotated[int, Meta(ge=1, description="most applicants in a batch; above: 413")] = (
        1000
    )
    max_in_flight: Annotated[
        int, Meta(ge=1, description="most queued requests per worker; above: 503 with Retry-After")
    ] = 256
    max_arriving: Annotated[
        int,
        Meta(
            ge=1,
            description="most bytes a worker holds of incomplete requests, at least two bodies; "
            "above: 503 for the oldest",
        ),
    ] = 64 * 1024 * 1024
    head_seconds: Annotated[
        float,
        Meta(gt=0, description="time for a client to send a request's head; then 408"),
    ] = 10.0
    body_seconds: Annotated[
        float,
        Meta(gt=0, description="time for a client to send a request's body; then 408"),
    ] = 30.0
    answer_seconds: Annotated[
        float,
        Meta(
            gt=0, description="time for a client to take its answer; then the connection is closed"
        ),
    ] = 30.0
    keep_alive_seconds: Annotated[
        float,
        Meta(
            gt=0, description="time an idle connection stays open; keep it longer than your proxy's"
        ),
    ] = 75.0
    load_seconds: Annotated[
        float,
        Meta(
            gt=0,
            description="time for all models to load and be proven; then the start or reload fails",
        ),
    ] = LOAD_SECONDS
    drain_seconds: Annotated[float, Meta(gt=0, description="longest time for a clean stop")] = 20.0
    drain_delay_seconds: Annotated[
        float,
        Meta(ge=0, description="time to keep accepting after SIGTERM, while /readyz says 503"),
    ] = 0.0
    idempotency_seconds: Annotated[
        float, Meta(ge=0, description="time an answer is stored for its Idempotency-Key; 0: off")
    ] = 86400.0
    keys: Annotated[
        Path | None,
        Meta(description="file of hashed API keys (python -m server key); default: no keys needed"),
    ] = None
    tls_cert: Annotated[Path | None, Meta(description="certificate chain, PEM")] = None
    tls_key: Annotated[Path | None, Meta(description="private key, PEM")] = None
    tls_client_ca: Annotated[
        Path | None, Meta(description="require client certificates signed by this CA, PEM")
    ] = None
    cors_origin: Annotated[
        str | None,
        Meta(description="one origin that browsers may call from, or *; default: none"),
    ] = None
    access_log: Annotated[
        float,
        Meta(ge=0, le=1, description="share of answered requests with a line on stdout; 0: off"),
    ] = 1.0
    log_level: Annotated[
        str, Meta(description="log level of stderr, also by module: info,server.process=debug")
    ] = "info"
    drift_metrics: Annotated[
        Path | None,
        Meta(description="the drift job's Prometheus file, shown in /metrics if it exists"),
    ] = None
    fast_lane: Annotated[
        Switch, Meta(description="answer scores inside the HTTP protocol; off: all through ASGI")
    ] = "on"
    engine: Annotated[
        Wanted,
        Meta(description="scoring engine: native if proven equal, or onnxruntime"),
    ] = "auto"


def read(
    environment: Mapping[str, str], flags: Mapping[str, Any], defaults: Mapping[str, Any] = NOTHING,
    told: Mapping[str, Told] = NOTHING,
) -> Settings:  # fmt: skip
    """Return the settings; raises SettingsError.

    `defaults` give way to the environment's variables, `told` wins over them, and flags over all.
    """
    from_outside = from_environment(environment)
    by_platform = {name: each.value for name, each in told.items()}
    given = {**defaults, **from_outside, **by_platform, **flags}
    try:
        settings = msgspec.convert(given, Settings, strict=False, dec_hook=to_path)
    except msgspec.ValidationError as error:
        setting, what = named(str(error))
        sources = {name: PREFIX + name.upper() for name in from_outside}
        sources |= {name: each.by for name, each in told.items()}
        source = "" if setting in flags else sources.get(setting, "")
        said = f"settings: {setting}: {what}" + (f" (from {source})" if source else "")
        raise SettingsError(said + hint(environment, [source])) from error
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("settings: tls_cert and tls_key: wanted both or none")
    if settings.admin_decisions == "on" and settings.admin_port is None:
        raise SettingsError("settings: admin_decisions: wanted admin_port with it")
    if settings.tls_client_ca is not None and settings.tls_cert is None:
        raise SettingsError("settings: tls_client_ca: wanted tls_cert and tls_key with it")
    return settings


def named(message: str) -> tuple[str, str]:
    """Return the setting's name, which msgspec puts at the end of its message, and what is
    wrong.
    """
    if absent := re.fullmatch(r"Object missing required field `(\w+)`", message):
        return absent[1], f"wanted --{absent[1]} or {PREFIX}{absent[1].upper()}, got neither"
    match = re.fullmatch(r"(.*) - at `\$\.(\w+)`", message)
    if match is None:
        return "all", message
    what, setting = match.groups()
    if what.startswith(NO_CHOICE):
        choices = ", ".join(get_args(get_type_hints(Settings)[setting]))
        what = f"wanted one of {choices}, got {what.removeprefix(NO_CHOICE)}"
    return setting, what


def hint(environment: Mapping[str, str], names: Iterable[str]) -> str:
    """Explain variables that look like a Kubernetes service's; "" for others."""
    looks = any(
        SERVICE_LINK.fullmatch(name) and (name != "CREDIT_PORT" or "://" in environment[name])
        for name in names
    )
    return HINT if looks else ""


def from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in the environment; raises SettingsError for an unknown CREDIT_*."""
    names = {PREFIX + name.upper(): name for name in Settings.__struct_fields__}
    found = {name for name in environment if name.startswith(PREFIX)}
    if unknown := sorted(found - names.keys()):
        known = ", ".join(sorted(names))
        raise SettingsError(
            f"environment: unknown {', '.join(unknown)}; known: {known}"
            + hint(environment, unknown)
        )
    return {names[name]: environment[name] for name in sorted(found)}


def to_path(of: type, value: Any) -> Any:
    """Convert text to a Path for msgspec."""
    if of is Path and isinstance(value, str) and value:
        return Path(value)
    raise ValueError(f"wanted a path, got {value!r}")
