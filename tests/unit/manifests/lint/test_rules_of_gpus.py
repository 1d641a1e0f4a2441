"""GPUs, shared memory, weights and the KV cache."""

from collections.abc import Callable

import pytest

from pilotlight_manifests.lint.finding import Finding
from pilotlight_manifests.lint.quantity import GIB

Lint = Callable[..., list[Finding]]
Service = Callable[..., str]

SHM = """
volumeMounts:
  - {name: shm, mountPath: /dev/shm}
"""


def gpus(count: int | str, resource: str = "nvidia.com/gpu") -> str:
    return f"resources:\n  limits:\n    {resource}: {count}\n"


def test_every_worker_needs_a_gpu(lint: Lint, service: Service) -> None:
    rule = "gpus-fewer-than-parallelism"
    args = "--tensor-parallel-size=4 --pipeline_parallel_size 2"
    (finding,) = lint(service(args, container=gpus(4)), rule)
    assert "the engine uses 8 GPUs (tensor 4 x pipeline 2 parallel)" in finding.why
    assert "asks for 4" in finding.why
    assert not lint(service(args, container=gpus(8)), rule)
    assert lint(service("-tp 2"), rule)
    assert not lint(service("-tp 2", image="vllm/vllm-openai-cpu:v0.32.0"), rule)
    assert not lint(service("-tp 2 --nnodes 2", container=gpus(1)), rule)
    assert not lint(service("-tp $(TP)", container=gpus(1)), rule)


def test_gpus_are_not_asked_for_in_vain(lint: Lint, service: Service) -> None:
    rule = "gpus-idle"
    (finding,) = lint(service("--model=a/b", container=gpus(2)), rule)
    assert "1 is idle" in finding.why
    assert not lint(service("--model=a/b -tp 2", container=gpus(2)), rule)
    assert not lint(service("--model=a/b -dp 2", container=gpus(2)), rule)
    assert not lint(service("--config=/etc/vllm.yaml", container=gpus(2)), rule)
    # KServe's own server takes all GPUs that it sees.
    assert not lint(service("--model=a/b", "", gpus(2), "kserve/huggingfaceserver:v1"), rule)


def test_attention_heads_divide_among_the_workers(lint: Lint, service: Service) -> None:
    rule = "heads-not-divisible"
    (finding,) = lint(service("--model=Qwen/Qwen2.5-7B -tp 8", container=gpus(8)), rule)
    assert "28 attention heads" in finding.why
    assert not lint(service("--model=Qwen/Qwen2.5-7B -tp 4", container=gpus(4)), rule)


def test_devices_cannot_be_overcommitted(lint: Lint, service: Service) -> None:
    rule = "gpu-request-differs-from-limit"
    both = gpus(2) + "  requests:\n    nvidia.com/gpu: 1\n"
    assert lint(service(container=both), rule)
    assert not lint(service(container=both.replace("gpu: 1", "gpu: 2")), rule)
    assert lint(service(container="resources:\n  requests:\n    nvidia.com/gpu: 1\n"), rule)
    assert not lint(service(container=gpus(2)), rule)


def test_workers_need_more_shared_memory_than_a_container_has(lint: Lint, service: Service) -> None:
    rule = "shm-too-small"
    (finding,) = lint(service("-tp 2", container=gpus(2)), rule)
    assert "64 MiB" in finding.why
    assert "160 MiB" in finding.why
    assert not lint(service("-tp 1", container=gpus(1)), rule)
    cpu = "vllm/vllm-openai-cpu:v0.32.0"
    assert [f.severity for f in lint(service(image=cpu), rule)] == ["error"]
    # It makes a ring on machines of several memory nodes only.
    own = "dev.local/pilotlight-predictor:dev"
    assert [f.severity for f in lint(service(image=own), rule)] == ["warning"]
    assert not lint(service("-tp 2", "hostIPC: true", gpus(2)), rule)


@pytest.mark.parametrize(
    ("volume", "findings"),
    [
        ("{medium: Memory}", 0),
        ("{medium: Memory, sizeLimit: 1Gi}", 0),
        ("{medium: Memory, sizeLimit: 128Mi}", 1),
    ],
)
def test_shared_memory_is_as_large_as_its_volume(
    lint: Lint, service: Service, volume: str, findings: int
) -> None:
    volumes = f"volumes:\n  - name: shm\n    emptyDir: {volume}\n"
    text = service("-tp 2", volumes, gpus(2) + SHM)
    assert len(lint(text, "shm-too-small")) == findings


H100 = "nodeSelector:\n  nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3"


def test_weights_fit_into_the_gpus(lint: Lint, service: Service) -> None:
    rule = "weights-exceed-gpu-memory"
    args = "--model=meta-llama/Llama-3.1-70B-Instruct"
    (finding,) = lint(service(args, H100, gpus(1)), rule)
    assert "131 GiB of weights do not fit into 80 GiB (1 x 80 GiB" in finding.why
    assert "2 or more such GPUs" in finding.do
    assert not lint(service(f"{args} -tp 2", H100, gpus(2)), rule)
    assert not lint(service(f"{args} --quantization=fp8", H100, gpus(1)), rule)
    assert not lint(service(f"{args}-AWQ", H100, gpus(1)), rule)
    assert not lint(service(args, "", gpus(1)), rule)
    assert lint(service(args, "", gpus(1)), rule, gpu_memory=80.0 * GIB)
    assert lint(service(args, "", gpus(1, "nvidia.com/mig-3g.40gb")), rule)


def test_on_the_cpu_weights_fit_into_the_limit(lint: Lint, service: Service) -> None:
    rule = "weights-exceed-container-memory"
    limit = "resources:\n  limits:\n    memory: 16Gi\n"
    args = "--model=meta-llama/Llama-3.1-8B --dtype=float32"
    cpu = "vllm/vllm-openai-cpu:v0.32.0"
    (finding,) = lint(service(args, "", limit, cpu), rule)
    assert "29.9 GiB" in finding.why
    assert not lint(service(args.replace("32", "16"), "", limit, cpu), rule)
    assert not lint(service(args, "", limit), rule)


def test_the_cache_holds_one_request_at_least(lint: Lint, service: Service) -> None:
    rule = "kv-cache-below-one-request"
    # 32 layers x 8 heads x 128 x 2 x 2 bytes are 128 KiB a token.
    args = "--model=meta-llama/Llama-3.1-8B --kv-cache-memory-bytes=1Gi"
    (finding,) = lint(service(f"{args} --max-model-len=16k", "", gpus(1)), rule)
    assert "128 KiB a token hold 8,192 tokens" in finding.why
    assert not lint(service(f"{args} --max-model-len=8192", "", gpus(1)), rule)
    rope = "--model=meta-llama/Llama-3.1-8B --max-model-len=131072"
    l4 = "nodeSelector:\n  cloud.google.com/gke-accelerator: nvidia-l4"
    assert lint(service(rope, l4, gpus(1)), rule)
    assert not lint(service(rope, H100, gpus(1)), rule)


def test_the_target_is_what_the_cache_holds(lint: Lint, service: Service) -> None:
    rule = "concurrency-exceeds-kv-cache"
    args = "--model=meta-llama/Llama-3.1-8B --kv-cache-memory-bytes=4Gi --max-model-len=8192"
    text = service(args, "scaleTarget: 32", gpus(1))
    (finding,) = lint(text, rule)
    assert (finding.severity, finding.line) == ("info", 7)
    assert "4 requests of the longest allowed length" in finding.why
    (sure,) = lint(text, rule, tokens_per_request=2048)
    assert sure.severity == "warning"
    assert "16 requests of 2,048" in sure.why
    assert not lint(text, rule, tokens_per_request=1024)
    assert not lint(service(args, "scaleTarget: 32\nscaleMetric: rps", gpus(1)), rule)


def test_the_target_is_what_the_engine_runs_at_a_time(lint: Lint, service: Service) -> None:
    rule = "concurrency-above-batch"
    (finding,) = lint(service("--max-num-seqs=16", "scaleTarget: 64"), rule)
    assert "64" in finding.why
    assert "16" in finding.why
    assert not lint(service("--max-num-seqs=64", "scaleTarget: 64"), rule)
    assert not lint(service("--max-num-seqs=16", "containerConcurrency: 0"), rule)


def test_one_request_at_a_time_starves_the_batch(lint: Lint, service: Service) -> None:
    rule = "container-concurrency-starves-batching"
    assert lint(service("--model=a/b", "containerConcurrency: 1"), rule)
    assert not lint(service("--model=a/b", "containerConcurrency: 8"), rule)
    assert not lint(service("--max-num-seqs=1", "containerConcurrency: 1"), rule)
    assert not lint(service("", "containerConcurrency: 1", image="nginx:1.27"), rule)
