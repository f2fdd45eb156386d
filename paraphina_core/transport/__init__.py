"""The only room that opens client sockets: bytes leave and arrive here, limited, timed and recorded."""

from __future__ import annotations

from .address import Address, check_headers, parse_address, verified_tls
from .backoff import Backoff
from .capture import Capture
from .confinement import check_confined
from .connection import CloseReason
from .engine import INSTALL, Choice, Engine, EventLoop, WebSocketLibrary, choose, run
from .http import HttpClient
from .limiter import Limiter, Limiters, connect_budget, retry_after_ns
from .liveness import Liveness
from .order_entry import HttpLimits, OrderEntry
from .recorder import Recorded, Recorder, RecordKind, question_of, read_recording
from .recording import Recording
from .stream import Stream, StreamCounters, StreamEvents, StreamLimits

__all__ = [
    "INSTALL",
    "Address",
    "Backoff",
    "Capture",
    "Choice",
    "CloseReason",
    "Engine",
    "EventLoop",
    "HttpClient",
    "HttpLimits",
    "Limiter",
    "Limiters",
    "Liveness",
    "OrderEntry",
    "RecordKind",
    "Recorded",
    "Recorder",
    "Recording",
    "Stream",
    "StreamCounters",
    "StreamEvents",
    "StreamLimits",
    "WebSocketLibrary",
    "check_confined",
    "check_headers",
    "choose",
    "connect_budget",
    "parse_address",
    "question_of",
    "read_recording",
    "retry_after_ns",
    "run",
    "verified_tls",
]
