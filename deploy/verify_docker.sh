#!/usr/bin/env bash
# Builds the images and runs them as people would, on a Docker Engine of its own, from nothing, and cleans up. See --help.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=${VENV:-$ROOT/.venv}

# shellcheck source=scripts/common.sh
. "$ROOT/scripts/common.sh"
# shellcheck source=scripts/python.sh
. "$ROOT/scripts/python.sh"

usage() {
  cat <<'END'
Usage: deploy/verify_docker.sh [--keep FOLDER] [PYTEST ARGUMENTS]

Needs root on a Debian without a Docker Engine of its own, Debian's mirror and the Python packages' index, 10 GB of disk
and some minutes. It starts an engine in a folder, builds the three targets of the unchanged Dockerfile on plain Debian, and
runs deploy/verify: one service, also with TLS, keys as a secret, Wyoming and an update; Pocket TTS with a model and without;
one service for each of four GPUs; three behind HAProxy, one killed, one drained; jobs whose passages those three say, one
killed in the middle. Arguments choose: deploy/verify_docker.sh -k jobs.

--keep leaves the engine's folder, so that the next run is quicker (images stay); the engine is stopped all the same.

What this proves: images build and run as a user that is not root on a read-only root; ports, volumes, health checks, restarts,
which GPU each container is given, and the balancer. What it does not prove: NVIDIA's base image, its toolkit and CUDA (the
base here is Debian, the GPUs are a hook that takes notes), and haproxy:3.0 (Debian's own HAProxy stands in).
END
}

folder='' keep='' # the trap reads them when main has gone

main() {
  case ${1:-} in
    -h | --help) usage && exit ;;
    --keep) keep=yes folder=${2:?--keep needs a folder} && shift 2 ;;
  esac
  cd "$ROOT"
  [[ $folder ]] || folder=$(mktemp -d /var/tmp/tts-docker.XXXXXX)
  folder=$(realpath -m "$folder")
  eval "$(deploy/engine.sh env "$folder")" # first of all: clean_up removes every container of the engine that it reaches
  trap clean_up EXIT
  stage 'engine' deploy/engine.sh up "$folder"
  stage 'stand-in images' bases
  stage 'build cpu' build cpu cpu
  stage 'build pocket' build pocket pocket
  stage 'build full' build full latest
  stage 'test environment' test_environment
  nvidia_smi "$folder"
  export HOOK_LOG=$folder/hook.log HAPROXY_IMAGE=stand-in:haproxy COMPOSE_PROGRESS=plain
  stage 'deploy/verify' env PATH="$folder/fakes:$folder/hooks:$PATH" "$VENV/bin/python" -m pytest -s -v --timeout 300 deploy/verify "$@"
  stage 'without the toolkit' without_toolkit "$folder"
  say "== all of it worked, in $SECONDS s"
}

stage() {
  local name=$1 begin=$SECONDS
  shift
  say "== $name"
  "$@"
  say "   $((SECONDS - begin)) s"
}

bases() {
  [[ -n $(docker images --quiet stand-in:haproxy) ]] || deploy/engine.sh bases "$folder"
}

# build TARGET TAG: a torch without CUDA, from PIP_FIND_LINKS if that is a folder here.
build() {
  local -a arguments=(--build-arg BASE_IMAGE=stand-in:base --build-arg TORCH=cpu --network host --quiet)
  local wheels=${PIP_FIND_LINKS:-}
  [[ ! -d $wheels ]] || arguments+=(--build-context "wheels=$wheels" --build-arg PIP_FIND_LINKS=/wheels)
  docker build "${arguments[@]}" --target "$1" -t "kyutai-tts:$2" .
}

test_environment() {
  make_venv
  "$VENV/bin/python" -c 'import pocketsphinx, pytest, pytest_timeout, scipy' 2>/dev/null ||
    install requirements/dev.txt requirements/cpu-overrides.txt
}

# nvidia_smi FOLDER: three GPUs, of which 1 is the least used.
nvidia_smi() {
  mkdir -p "$1/fakes"
  cat >"$1/fakes/nvidia-smi" <<'END'
#!/bin/sh
case "$*" in
  -L) printf 'GPU %s: Fake\n' 0 1 2 ;;
  *index,memory.used*) printf '0, 900\n1, 10\n2, 500\n' ;;
  *query-gpu=index*) printf '0\n1\n2\n' ;;
  *) exit 6 ;;
esac
END
  chmod +x "$1/fakes/nvidia-smi"
}

# without_toolkit FOLDER: the counter-check. An engine that hands out no GPUs must refuse, and we must say why.
without_toolkit() {
  local said
  deploy/engine.sh down "$1"
  WITHOUT_GPUS=1 deploy/engine.sh up "$1"
  if said=$(PATH="$1/fakes:$PATH" ./start.sh --docker --port 0 2>&1); then
    die "A GPU was handed out without a toolkit: $said"
  fi
  if PATH="$1/fakes:$PATH" ./verify_deployment.sh --docker; then die "verify_deployment.sh found a toolkit."; fi
  [[ $said == *'the NVIDIA Container Toolkit is missing'* ]] || die "The reason was not explained: $said"
}

clean_up() {
  local code=$?
  docker ps --all --quiet | xargs -r docker rm --force >/dev/null 2>&1 || true # the engine is ours alone
  deploy/engine.sh down "$folder" || true
  [[ $keep ]] || rm -rf "$folder"
  exit "$code"
}

main "$@"
