"""Requests against what the KV cache holds."""

from collections.abc import Iterable
from dataclasses import dataclass

from pilotlight_manifests.lint.field import Field
from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.quantity import memory, quantity
from pilotlight_manifests.lint.workload import Workload


@dataclass(frozen=True)
class Cache:
    """The KV cache of one engine, as large as it can be at best."""

    bytes: float
    bytes_per_token: float

    @property
    def tokens(self) -> int:
        return int(self.bytes / self.bytes_per_token)

    def __str__(self) -> str:
        return (
            f"{memory(self.bytes)} of KV cache at {memory(self.bytes_per_token)} a token hold "
            f"{self.tokens:,} tokens"
        )


def cache(workload: Workload) -> Cache | None:
    """What remains of the GPUs after the weights, or what ``--kv-cache-memory-bytes`` says.

    Activations and CUDA graphs are not counted: the real cache is smaller.
    """
    model, engine = workload.model, workload.engine
    per_token = model.kv_bytes_per_token if model else None
    known = workload.server.is_vllm and engine.sure and engine.visible
    if per_token is None or model is None or not known:
        return None
    said = quantity(engine.flag("kv-cache-memory-bytes").text)
    if said is not None:
        return Cache(said * workload.gpus_per_engine, per_token) if said > 0 else None
    each, weights = workload.gpu_memory, model.memory_bytes
    if each is None or weights is None or workload.gpus < workload.gpus_per_engine:
        return None
    if engine.flag("cpu-offload-gb").given or workload.worker.given or engine.nodes > 1:
        return None
    left = each * engine.gpu_memory_utilization * workload.gpus_per_engine - weights
    return Cache(left, per_token) if left > 0 else None


class KvCacheBelowOneRequest:
    """A cache that cannot hold one request of the longest allowed length: vLLM refuses to start.

    Source: vLLM ``_check_enough_kv_cache_memory`` (``vllm/v1/core/kv_cache_utils.py``); bytes per
    token are 2 x layers x KV heads x head size x element size.
    """

    id = "kv-cache-below-one-request"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        held, longest = cache(workload), workload.engine.max_model_len
        if held is not None and longest is not None and held.tokens < longest:
            yield report.error(
                workload.engine.flag("max-model-len"),
                f"{held}, fewer than one request of --max-model-len {longest:,}: "
                "vLLM refuses to start.",
                f"lower --max-model-len below {held.tokens:,}, or give the engine more GPUs",
            )


class ConcurrencyExceedsKvCache:
    """More requests per pod than the cache holds: the rest waits inside, and no pod is added.

    The autoscaler counts requests, not tokens. With ``--tokens-per-request`` this is a warning;
    without it only the worst case is known, and said as information.
    """

    id = "concurrency-exceeds-kv-cache"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        held, place = cache(workload), concurrency(workload)
        wanted = place.integer
        typical = workload.options.tokens_per_request
        longest = typical or workload.engine.max_model_len
        if held is None or wanted is None or longest is None or held.tokens < longest:
            return
        fits = held.tokens // longest
        if wanted <= fits:
            return
        do = f"aim at {fits} or fewer a pod, or shorten --max-model-len"
        if typical:
            yield report.warning(
                place,
                f"{wanted} requests a pod are aimed at; {held}: {fits} requests of {typical:,}.",
                do,
            )
        else:
            yield report.info(
                place,
                f"{wanted} requests a pod are aimed at; {held}: {fits} requests of the longest "
                f"allowed length, {longest:,}.",
                f"if requests are that long, {do}; --tokens-per-request says what is typical",
            )


class ConcurrencyAboveBatch:
    """More requests per pod than the engine runs at a time: the rest waits inside it.

    ``--max-num-seqs`` bounds vLLM's batch; Knative sees a pod within its target and adds none.
    """

    id = "concurrency-above-batch"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        place, batch = concurrency(workload), workload.engine.max_num_seqs
        if place.integer is None or not batch or not workload.server.is_vllm:
            return
        engines = workload.engine.data_parallel if workload.engine.sure else 1
        if place.integer > batch * engines > 0:
            yield report.warning(
                place,
                f"{place.integer} requests a pod are aimed at, and the engine runs "
                f"{batch * engines} at a time (--max-num-seqs): the others wait, and no pod is "
                "added for them.",
                f"aim at {batch * engines} or fewer, or raise --max-num-seqs",
            )


def concurrency(workload: Workload) -> Field:
    """How many requests a pod is to have at a time: target, or else hard limit (0: no limit)."""
    limit, target = workload.scaling.container_concurrency, workload.scaling.target
    if not workload.mode.knative:
        return Field()
    if target.integer and (workload.scaling.metric.text or "concurrency") == "concurrency":
        lower = limit.integer is not None and 0 < limit.integer < target.integer
        return limit if lower else target
    return limit if limit.integer else Field()
