"""The predictor's own metrics; ``docs/metrics.md`` says what each is for."""

import time

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

from pilotlight.request_metrics import STALL, RequestMetrics
from pilotlight_predictor.phases import StartPhases
from pilotlight_predictor.state import State

_WAIT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TTFT_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 30, 60, 120)
_INTER_TOKEN_BUCKETS = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5)

PREFIX = "pilotlight_predictor"

HTTP_REQUESTS = Counter(f"{PREFIX}_http_requests", "Answers by status code.", ["code"])
ADMISSIONS = Counter(
    f"{PREFIX}_admission_decisions",
    "Decisions before the engine, by reason.",
    ["decision", "class"],
)
QUEUE_REQUESTS = Gauge(f"{PREFIX}_queue_requests", "Requests that wait for the engine.", ["class"])
QUEUE_TOKENS = Gauge(f"{PREFIX}_queue_tokens", "Tokens that wait for the engine.", ["class"])
QUEUE_WAIT = Histogram(
    f"{PREFIX}_queue_wait_seconds",
    "Time from arrival to the engine.",
    ["class"],
    buckets=_WAIT_BUCKETS,
)
EXPECTED_WAIT = Gauge(
    f"{PREFIX}_expected_wait_seconds", "Wait that a request arriving now may expect."
)
RUNNING_REQUESTS = Gauge(f"{PREFIX}_running_requests", "Requests inside the engine.")
RESERVED_TOKENS = Gauge(f"{PREFIX}_reserved_tokens", "KV cache tokens set aside for them.")
KV_TOKENS = Gauge(f"{PREFIX}_kv_cache_tokens", "Size of the KV cache in tokens.")
KV_USAGE = Gauge(f"{PREFIX}_kv_cache_usage_ratio", "Used share of the KV cache, 0 to 1.")
IN_FLIGHT = Gauge(f"{PREFIX}_in_flight_requests", "Requests from acceptance to the last byte.")
TTFT = Histogram(
    f"{PREFIX}_time_to_first_token_seconds",
    "From arrival, waiting included, to the first token.",
    ["class"],
    buckets=_TTFT_BUCKETS,
)
INTER_TOKEN = Histogram(
    f"{PREFIX}_inter_token_seconds", "Between tokens of a stream.", buckets=_INTER_TOKEN_BUCKETS
)
REQUESTS = RequestMetrics(PREFIX, revision="", now=time.monotonic)
REGISTRY.register(REQUESTS)
ENGINE_STALL = Gauge(f"{PREFIX}_{STALL}", "Work and no step for so long; 0 without work.")
PROMPT_TOKENS = Counter(f"{PREFIX}_prompt_tokens", "Prompt tokens of dispatched requests.")
CACHED_TOKENS = Counter(f"{PREFIX}_cached_prompt_tokens", "Of those, found in the prefix cache.")
OUTPUT_TOKENS = Counter(f"{PREFIX}_output_tokens", "Tokens generated.")
STATE = Gauge(f"{PREFIX}_state", "1 for the state the predictor is in.", ["state"])
START_PHASE = Gauge(
    f"{PREFIX}_start_phase_seconds",
    "How long each phase of the start took; 'total' is exec to ready.",
    ["phase"],
)
GPU_TEMPERATURE = Gauge(f"{PREFIX}_gpu_temperature_celsius", "Temperature of a GPU.", ["gpu"])
GPU_FREE = Gauge(f"{PREFIX}_gpu_memory_free_bytes", "Free memory of a GPU.", ["gpu"])
GPU_UTILISATION = Gauge(f"{PREFIX}_gpu_utilisation_ratio", "Busy share of a GPU.", ["gpu"])
GPU_ECC = Gauge(f"{PREFIX}_gpu_uncorrectable_ecc_errors", "Uncorrectable ECC errors.", ["gpu"])


def show_state(state: State) -> None:
    """Set the state's gauge."""
    for each in State:
        STATE.labels(state=each).set(1 if each is state else 0)


def show_phases(phases: StartPhases) -> None:
    """Set the start phases' gauges."""
    for phase, seconds in phases.seconds.items():
        START_PHASE.labels(phase=phase).set(seconds)
