"""The benchmarks by name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One entry of the catalogue.

    Args:
        name: As in ``bench/results/NAME.json``.
        about: What it compares.
        headline: The figures that it publishes.
        minutes: How long it takes on two cores.
        arguments: Of ``pilotlight bench run``, when they are more than the name.
    """

    name: str
    about: str
    headline: tuple[str, ...]
    minutes: int
    arguments: str = ""


CATALOGUE = (
    Benchmark(
        "predictor",
        "The same load on this predictor and on plain vLLM: throughput, latency, overload.",
        (
            "throughput_ratio_c100",
            "ttft_p50_ratio_c100",
            "overload_goodput_ratio",
            "overload_goodput_ratio_vs_bounded_vllm",
        ),
        14,
    ),
    Benchmark(
        "coldstart",
        "From exec to the first answer, this predictor and plain vLLM in turns.",
        ("ratio", "ours_s", "plain_s", "plain_no_bytecode_s"),
        8,
    ),
    Benchmark(
        "coldstart-cluster",
        "From a request at zero pods to its first token, through the gateway of a cluster.",
        ("ratio", "ours_s", "plain_s"),
        20,
        "coldstart --on cluster",
    ),
    Benchmark(
        "canary",
        "Simulated rollouts: how often and how soon a canary is judged rightly, and by others.",
        (
            "false_rollback_upper95",
            "detect_errors_median",
            "detect_errors_power",
            "detect_ttft_median",
            "detect_ttft_power",
            "promote_good_requests",
            "good_rolled_back",
        ),
        10,
    ),
    Benchmark(
        "warmpool",
        "Recorded traffic: who waits for a cold start at equal idle hours, here and elsewhere.",
        ("affected_ratio", "wakes_ratio", "worst_ratio"),
        5,
        "warmpool --trace FILE",
    ),
    Benchmark(
        "simulator",
        "How quick warm pools are simulated, and the error of taking busy stretches as rates.",
        ("seconds_per_million", "shortcut_replica_error", "shortcut_affected_error"),
        2,
    ),
    Benchmark(
        "transformer",
        "The price of standing before the predictor: this transformer, plain Envoy, LiteLLM.",
        (
            "json_vs_envoy",
            "sse_vs_envoy",
            "auth_json_vs_envoy",
            "auth_sse_vs_envoy",
            "auth_json_vs_litellm",
            "added_p50_ms",
            "mb_at_2000_streams",
        ),
        8,
    ),
)
