"""A client for Credit Express: scores, decisions and reasons, typed, sync and async."""

from .answers import Answer, Fault, ModelName, Probabilities, Problem, Reason, Served, Value
from .applicants import Applicant
from .calls import Options
from .client import AsyncClient, Client
from .errors import (
    AccessError,
    CreditExpressError,
    InvalidError,
    ProblemError,
    UnavailableError,
    UnreachableError,
)
from .retries import Retry

__all__ = [
    "AccessError",
    "Answer",
    "Applicant",
    "AsyncClient",
    "Client",
    "CreditExpressError",
    "Fault",
    "InvalidError",
    "ModelName",
    "Options",
    "Probabilities",
    "Problem",
    "ProblemError",
    "Reason",
    "Retry",
    "Served",
    "UnavailableError",
    "UnreachableError",
    "Value",
]
