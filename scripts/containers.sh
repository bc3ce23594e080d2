#!/usr/bin/env bash
# start.sh's way into containers: one, or one for each GPU behind a balancer. Sourced by start.sh after docker.sh and engines.sh; uses
# its variables (where, gpus, rebuild, PORT, HOST, ADDRESS, ENGINE) and its probe and choose_port.
# shellcheck disable=SC2153,SC2154

COMPOSE_FILE_PATH=$ROOT/docker-compose.yml
WYOMING_FILE_PATH=$ROOT/deploy/wyoming/docker-compose.yml
BALANCER_FILE_PATH=$ROOT/deploy/haproxy/docker-compose.yml

# in_docker: asked for, or possible and of use.
in_docker() {
  case $where in
    local) return 1 ;;
    docker)
      docker_answers || die "--docker: no Docker Engine answers. $(explained "$(docker version 2>&1 || true)" || true)"
      find_compose || die "--docker: neither \`docker compose\` nor docker-compose is there."
      ;;
    *)
      wants_gpu && gpu_usable &&
        docker_answers && nvidia_runtime && find_compose
      ;;
  esac
}

start_containers() {
  local service=tts
  if [[ $gpus ]]; then
    start_behind_balancer
    return
  fi
  choose_port
  if wants_gpu && gpu_usable; then
    choose_container_gpu
  else
    service=$(engines image "$ENGINE") ||
      die "ENGINE=$ENGINE without a GPU runs only outside containers: DEVICE=cpu ./start.sh --local"
  fi
  give_up_when_interrupted
  bring_up "$PORT" "$service" || give_up_containers "$PORT"
  wait_for_containers "$PORT" || give_up_containers "$PORT"
  trap - INT TERM
  greet_containers
}

# choose_container_gpu: exports NVIDIA_VISIBLE_DEVICES. Inside, the GPU has number 0.
choose_container_gpu() {
  local device
  device=$(setting DEVICE)
  choose_gpu
  if [[ $device == cuda:* ]]; then
    export NVIDIA_VISIBLE_DEVICES=${device#cuda:} DEVICE=cuda
  else
    export NVIDIA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES:-0}
  fi
}

# bring_up PORT SERVICE: builds the image where it is missing.
bring_up() {
  local -x PORT=$1 HOST=$HOST MODEL_DIR API_KEYS_FILE TLS_CERT TLS_KEY
  local -a build=() more=()
  [[ -z $(wyoming_port) ]] || more=(-f "$WYOMING_FILE_PATH")
  [[ -z $rebuild ]] || build=(--build)
  say "Starting a container for port $1${NVIDIA_VISIBLE_DEVICES:+, GPU $NVIDIA_VISIBLE_DEVICES} (minutes the first time: its image is built)"
  HOST=$(address_to_publish)
  MODEL_DIR=$(absolute "$(setting MODEL_DIR)") API_KEYS_FILE=$(absolute "$(setting API_KEYS_FILE)")
  TLS_CERT=$(absolute "$(setting TLS_CERT)") TLS_KEY=$(absolute "$(setting TLS_KEY)")
  with_engine_errors "$1" compose "tts-$1" "$COMPOSE_FILE_PATH" ${more[@]+"${more[@]}"} up -d ${build[@]+"${build[@]}"} "$2"
}

# address_to_publish: HOST as compose wants it: a number, one with colons in brackets.
address_to_publish() {
  case $HOST in
    localhost) printf 127.0.0.1 ;;
    *:*) printf '[%s]' "$HOST" ;;
    *) printf '%s' "$HOST" ;;
  esac
}

# absolute PATH: as compose wants it; nothing stays nothing.
absolute() { printf '%s' "${1:+$([[ $1 == /* ]] || printf '%s/' "$ROOT")$1}"; }

# with_engine_errors PORT COMMAND...: shows what it says, and if it fails, what that means.
with_engine_errors() {
  local log=$RUN_DIR/$1.docker.log
  shift
  ("$@") 9>&- >"$log" 2>&1 && return # a shell of its own: what an interrupt says does not belong into the log
  cat "$log" >&2
  explained "$(<"$log")" >&2 || true
  return 1
}

# wait_for_containers PORT: until the service answers; sets engine. False when its container ended or it took too long.
wait_for_containers() {
  local deadline=$((SECONDS + START_TIMEOUT_S))
  while ((SECONDS < deadline)); do
    engine=$(probe service "$ADDRESS") && return
    [[ -z $(stopped_containers "$1") ]] || return 1
    sleep 0.2
  done
  return 1
}

# stopped_containers PORT: ids of those that ended or end again and again.
stopped_containers() {
  local state
  for state in exited dead restarting; do
    our_containers "label=com.docker.compose.project=tts-$1" "status=$state"
  done
}

# give_up_when_interrupted: else a second start would leave the first half of these running beside its own.
give_up_when_interrupted() {
  interrupted_port=$PORT # PORT is another one inside bring_up
  trap 'give_up_containers "$interrupted_port" "Interrupted."' INT TERM
}

# give_up_containers PORT [REASON]: shows the ends of the logs, leaves nothing behind.
give_up_containers() {
  local id
  trap - INT TERM
  warn "${2:-The service did not start.}"
  for id in $(instances_on "$1"); do
    ask_docker inspect --format 'The end of the log of {{.Name}}:' "$id" >&2
    docker logs --tail 20 "$id" >&2 || true
  done
  "$ROOT/stop.sh" --now --port "$1" >&2 || true
  exit 1
}

start_behind_balancer() {
  local list gpu port
  local -a servers=()
  list=$(gpu_list) || die "--gpus $gpus: nvidia-smi lists no such GPU."
  choose_port
  local balancer=$PORT address=$ADDRESS public=$HOST
  port=$balancer
  give_up_when_interrupted
  export BALANCER_PORT=$balancer HOST
  HOST=$(bridge_address)
  for gpu in $list; do
    port=$(next_free_port $((port + 1)))
    NVIDIA_VISIBLE_DEVICES=$gpu bring_up "$port" tts || give_up_containers "$balancer"
    servers+=("$HOST:$port")
  done
  for port in "${servers[@]#*:}"; do
    ADDRESS=http://$HOST:$port wait_for_containers "$port" || give_up_containers "$balancer"
  done
  HOST=$public ADDRESS=$address
  balance "${servers[@]}" || give_up_containers "$balancer"
  wait_for_containers "$balancer" || give_up_containers "$balancer"
  trap - INT TERM
  greet_containers "${servers[@]}"
}

# bridge_address: where this machine alone reaches published ports without the program that Docker puts before
# them on 127.0.0.1: that one accepts connections for a container that is gone.
bridge_address() {
  local address
  address=$(ask_docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}')
  printf '%s' "${address:-127.0.0.1}"
}

# gpu_list: the numbers that --gpus means, one a line.
gpu_list() {
  local all
  all=$(ask_nvidia_smi --query-gpu=index --format=csv,noheader)
  [[ $all =~ ^[0-9]+($'\n'[0-9]+)*$ ]] || return 1
  if [[ $gpus == all ]]; then
    printf '%s\n' "$all"
  else
    [[ $gpus =~ ^[0-9]+(,[0-9]+)*$ ]] && gpus_exist "$gpus" && tr ',' '\n' <<<"$gpus"
  fi
}

next_free_port() {
  local port=$1
  until probe port "$HOST" "$port" >/dev/null; do
    port=$((port + 1))
    ((port <= 65535)) || die "No free port from $1 on."
  done
  printf '%s' "$port"
}

# balance SERVER...: starts HAProxy on HOST and PORT before them.
balance() {
  local config=$RUN_DIR/$PORT.haproxy.cfg bind=$HOST
  [[ $bind != *:* ]] || bind="[$bind]"
  "$ROOT/deploy/haproxy/config.sh" --bind "$bind:$PORT" --stats "127.0.0.1:$(HOST=127.0.0.1 next_free_port 8405)" \
    --slots "$(slots)" --queue "$(setting MAX_QUEUE 64)" "$@" >"$config"
  chmod a+r "$config" # HAProxy's container is another user
  export HAPROXY_CFG=$config
  with_engine_errors "$PORT" compose "tts-balancer-$PORT" "$BALANCER_FILE_PATH" up -d
}

# slots: what one instance gets at once. Where the engine chooses their number, what is too many waits in the instance.
slots() {
  local slots
  slots=$(setting MAX_SLOTS 0)
  [[ $slots =~ ^0*[1-9][0-9]{0,3}$ ]] || slots=32
  printf '%d' "$((10#$slots))"
}

greet_containers() {
  local gpu=${NVIDIA_VISIBLE_DEVICES:+, GPU $NVIDIA_VISIBLE_DEVICES} log
  log="docker logs -f $(ask_docker ps --filter "label=com.docker.compose.project=tts-$PORT" --format '{{.Names}}')"
  if (($#)); then
    gpu=", a GPU for each of $# instances"
    log='docker logs -f NAME, for each NAME of docker ps'
    say "Instances behind it: $*"
  fi
  greet_as "engine $engine, in Docker$gpu" "$log"
}
