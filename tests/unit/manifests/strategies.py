"""Specifications that are right, drawn at random."""

from typing import Any

from hypothesis import strategies as st

names = st.from_regex(r"[a-z]([-a-z0-9]{0,43}[a-z0-9])?", fullmatch=True)
labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
values = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30)
uris = st.builds(
    "{}://{}/{}".format, st.sampled_from(["hf", "s3", "gs", "pvc", "oci", "https"]), labels, labels
)


def optional(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


engines = optional(
    {
        "dtype": st.sampled_from(["auto", "bfloat16", "float16", "float32"]),
        "maxModelLen": st.integers(1, 10**6),
        "gpuMemoryUtilization": st.floats(0.01, 1),
        "enforceEager": st.booleans(),
        "lora": st.builds(
            lambda adapters: {"adapters": [{"name": a, "path": f"/mnt/{a}"} for a in adapters]},
            st.lists(labels, min_size=1, max_size=3, unique=True),
        ),
        "extraArgs": st.lists(st.builds("--x-{}={}".format, labels, values), max_size=3),
    }
)


@st.composite
def scaling(draw: st.DrawFn) -> dict[str, Any]:
    low = draw(st.integers(0, 4))
    high = draw(st.integers(max(1, low), 8))
    knobs = {
        "windowSeconds": st.integers(6, 3600),
        "retentionSeconds": st.integers(0, 3600),
        "scaleDownDelaySeconds": st.integers(0, 3600),
        "metric": st.sampled_from(["concurrency", "rps"]),
    }
    return {"minReplicas": low, "maxReplicas": high} | draw(optional(knobs))


access = optional(
    {
        "clusterLocal": st.booleans(),
        "networkPolicy": st.booleans(),
        "apiKeySecret": st.builds(lambda name: {"name": name, "key": "key"}, labels),
        "gateway": st.builds(lambda name: {"namespace": name}, labels),
    }
)

transformers = optional(
    {
        "pipeline": st.just(["audit", {"cache": {"ttl_s": 600}}]),
        "keysSecret": labels,
        "image": st.sampled_from(["registry.example/own-transformer:1"]),
    }
)

knative_specs = st.fixed_dictionaries(
    {"name": names, "model": st.builds(lambda uri: {"uri": uri}, uris)},
    optional={
        "namespace": labels,
        "labels": st.dictionaries(labels, labels, max_size=2),
        "engine": engines,
        "parallelism": st.builds(
            lambda t, p: {"tensor": t, "pipeline": p}, st.integers(1, 8), st.integers(1, 4)
        ),
        "autoscaling": scaling(),
        "transformer": st.booleans() | transformers,
        "rollout": st.booleans(),
        "warmPool": st.booleans(),
        "monitoring": st.booleans(),
        "runtime": st.fixed_dictionaries(
            {"kind": st.sampled_from(["ServingRuntime", "ClusterServingRuntime"])},
            optional={"name": labels},
        ),
        "pod": st.builds(
            lambda env: {"env": env},
            st.dictionaries(
                st.from_regex(r"X_[A-Z0-9_]{1,10}", fullmatch=True), values, max_size=3
            ),
        ),
        "access": access,
        "timeouts": st.builds(lambda s: {"requestSeconds": s}, st.integers(20, 600)),
    },
)


@st.composite
def standard_specs(draw: st.DrawFn) -> dict[str, Any]:
    nodes = draw(st.integers(1, 4))
    gpus = draw(st.sampled_from([1, 2, 4, 8]))
    return {
        "name": draw(names),
        "mode": "Standard",
        "model": {"uri": f"pvc://{draw(labels)}/{draw(labels)}"},
        "gpus": {"count": gpus, "resource": draw(st.sampled_from(["nvidia.com/gpu", "a.b/gpu"]))},
        "parallelism": {"tensor": gpus, "pipeline": nodes, "nodes": nodes},
        "access": draw(access),
        "monitoring": draw(st.booleans()),
    }


specs = st.one_of(knative_specs, standard_specs())
