# The service as an image. Three targets:
#   full (default)  Kyutai TTS on an NVIDIA GPU, and the embedded voice
#   pocket          Kyutai Pocket TTS on any CPU, and the embedded voice; torch without CUDA
#   cpu             the embedded voice alone, without torch
# Needs BuildKit, which Docker uses by default since 23. No weights inside: they are fetched into a volume, once.
#
#   docker build -t kyutai-tts .
#   docker build -t kyutai-tts:pocket --target pocket --build-arg BASE_IMAGE=ubuntu:24.04 .
#   docker build -t kyutai-tts:cpu --target cpu --build-arg BASE_IMAGE=ubuntu:24.04 .
#
# Any Debian or Ubuntu whose python3 is 3.11 to 3.13 will do as a base (for the target cpu, 3.14 too). torch's wheels
# bring CUDA and cuDNN themselves, so that the smallest CUDA image is enough.
ARG BASE_IMAGE=nvidia/cuda:12.8.1-base-ubuntu24.04

# Wheels from a folder of yours: --build-context wheels=FOLDER --build-arg PIP_FIND_LINKS=/wheels
FROM scratch AS wheels

FROM ${BASE_IMAGE} AS base
# hadolint ignore=DL3008  # the patch level that the base has; pinning one would break with its next update
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3 tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin tts \
 && install -d -o tts -g tts /models /voices /outputs
WORKDIR /srv
# HOME and every cache that a library may want lie in /tmp: the root of the container can be read-only.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp \
    HF_HOME=/models HIBARI_HOME=/models/hibari VOICES_DIR=/voices LEXICON_DIR=/lexicon OUTPUT_DIR=/outputs DRAIN_FILE=/tmp/drain
EXPOSE 8900 10200
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["sh", "-c", "exec python -I scripts/probe.py service http${TLS_CERT:+s}://127.0.0.1:${PORT:-8900} >/dev/null"]
ENTRYPOINT ["tini", "--"]
CMD ["python", "app.py"]

# What is installed comes before the code, so that a change of the code installs nothing again.
FROM base AS core-packages
# hadolint ignore=DL3008
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv \
 && rm -rf /var/lib/apt/lists/*
ARG PIP_INDEX_URL
ARG PIP_FIND_LINKS
ARG UV_VERSION=0.9
# LOCKED=0: the newest versions that the ranges allow instead of those of requirements/lock.txt
ARG LOCKED=1
ENV ROOT=/srv VENV=/opt/venv UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_CACHE_DIR=/root/.cache/uv
# hadolint ignore=DL3042  # the cache is a mount and not in the image
RUN --mount=type=cache,target=/root/.cache --mount=type=bind,from=wheels,target=/wheels \
    python3 -m venv /opt/uv && /opt/uv/bin/pip install --quiet "uv>=${UV_VERSION}" \
 && ln -s /opt/uv/bin/uv /usr/local/bin/uv && python3 -m venv --without-pip "$VENV"
COPY scripts/common.sh scripts/python.sh scripts/
COPY requirements/core.txt requirements/wyoming.txt requirements/lock.txt requirements/
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN --mount=type=cache,target=/root/.cache --mount=type=bind,from=wheels,target=/wheels \
    . scripts/common.sh && . scripts/python.sh && install requirements/core.txt && install requirements/wyoming.txt

FROM core-packages AS full-packages
COPY requirements.txt ./
COPY requirements/cpu-overrides.txt requirements/
# TORCH=cpu: a torch without CUDA, for ENGINE=kyutai DEVICE=cpu
ARG TORCH=cuda
RUN --mount=type=cache,target=/root/.cache --mount=type=bind,from=wheels,target=/wheels \
    . scripts/common.sh && . scripts/python.sh \
 && if [ "$TORCH" = cpu ]; then install requirements.txt requirements/cpu-overrides.txt; else install requirements.txt; fi

FROM core-packages AS pocket-packages
COPY requirements/pocket.txt requirements/cpu-overrides.txt requirements/
RUN --mount=type=cache,target=/root/.cache --mount=type=bind,from=wheels,target=/wheels \
    . scripts/common.sh && . scripts/python.sh && install requirements/pocket.txt requirements/cpu-overrides.txt

# A checkout made under a strict umask is its owner's alone; the user of the image must be able to read it.
FROM base AS code
COPY . .
RUN chmod -R a+rX .

FROM base AS cpu
LABEL org.opencontainers.image.title="Kyutai TTS service, embedded voice only" \
      org.opencontainers.image.licenses="MIT"
COPY --from=core-packages /opt/venv /opt/venv
COPY --from=code /srv /srv
ENV DEVICE=cpu
USER 10001:10001

FROM base AS pocket
LABEL org.opencontainers.image.title="Kyutai TTS service, Pocket TTS on a CPU" \
      org.opencontainers.image.licenses="MIT"
COPY --from=pocket-packages /opt/venv /opt/venv
COPY --from=code /srv /srv
ENV ENGINE=pocket DEVICE=cpu
USER 10001:10001

FROM base AS full
LABEL org.opencontainers.image.title="Kyutai TTS service" \
      org.opencontainers.image.licenses="MIT"
COPY --from=full-packages /opt/venv /opt/venv
COPY --from=code /srv /srv
USER 10001:10001
