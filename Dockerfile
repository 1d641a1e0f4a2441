# docker build --target predictor   -t pilotlight-predictor .    --build-arg ACCELERATOR=gpu for GPUs
# docker build --target transformer -t pilotlight-transformer .
# docker build --target controller  -t pilotlight-controller .
#
# Every image runs as the numeric user 65532 and can do so on a read-only root: it writes to /tmp.

ARG BASE=debian:bookworm-slim

FROM ${BASE} AS base
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/*


FROM base AS build
ARG UV_VERSION=0.13.8
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON=/opt/pilotlight/bin/python
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir "uv==${UV_VERSION}" \
    && ln -s /opt/uv/bin/uv /usr/local/bin/uv \
    && uv venv --python /usr/bin/python3 /opt/pilotlight
WORKDIR /src
# Dependencies before code: they are large and change seldom.
COPY pyproject.toml constraints.txt overrides.txt ./


FROM build AS build-controller
RUN uv pip install -r pyproject.toml --extra controller -c constraints.txt
COPY . .
RUN uv pip install --no-deps -b constraints.txt .


FROM build AS build-transformer
RUN uv pip install -r pyproject.toml --extra transformer -c constraints.txt
COPY . .
RUN uv pip install --no-deps -b constraints.txt .


FROM build AS build-predictor
ARG ACCELERATOR=cpu
RUN case "${ACCELERATOR}" in \
        gpu) uv pip install -r pyproject.toml --extra predictor -c constraints.txt ;; \
        cpu) uv pip install -r pyproject.toml --extra cpu -c constraints.txt \
                --override overrides.txt ;; \
        *) echo "ACCELERATOR is cpu or gpu, not ${ACCELERATOR}" >&2; exit 1 ;; \
    esac
COPY . .
RUN uv pip install --no-deps -b constraints.txt .


FROM base AS runtime
# torch asks for the user's name, and under an arbitrary user id there is no other answer to it.
ENV HOME=/tmp \
    USER=pilotlight \
    XDG_CACHE_HOME=/tmp/.cache \
    PATH=/opt/pilotlight/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp


FROM runtime AS controller
COPY --from=build-controller /opt/pilotlight /opt/pilotlight
USER 65532:65532
ENTRYPOINT ["pilotlight"]


FROM runtime AS transformer
COPY --from=build-transformer /opt/pilotlight /opt/pilotlight
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["python", "-m", "pilotlight_transformer"]


# All of the predictor but its Python environment.
FROM runtime AS predictor-base
ARG ACCELERATOR=cpu
# Triton compiles its launchers on the machine that has the GPU.
RUN compiler=""; \
    if [ "${ACCELERATOR}" = gpu ]; then compiler="gcc libc6-dev python3-dev"; fi; \
    apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 libnuma1 ${compiler} \
    && rm -rf /var/lib/apt/lists/*
ENV HF_HUB_DISABLE_TELEMETRY=1 \
    VLLM_NO_USAGE_STATS=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["python", "-m", "pilotlight_predictor"]


FROM predictor-base AS predictor
COPY --from=build-predictor /opt/pilotlight /opt/pilotlight
