#!/usr/bin/env bash
# Starts the Kyutai TTS service: picks a GPU and a port, starts it in the background, waits until it answers and says
# where it is. In a container where Docker can hand GPUs out; else on this machine, for which it finds a Python and
# installs what is needed into .venv. Started twice, it says that it runs already. See --help.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VENV=${VENV:-$ROOT/.venv}
[[ $VENV == /* ]] || VENV=$PWD/$VENV
RUN_DIR=$ROOT/.run
START_TIMEOUT_S=${START_TIMEOUT_S:-120} # the first import of torch from a cold disk is slow
PORTS_TRIED=100

# shellcheck source=scripts/common.sh
. "$ROOT/scripts/common.sh"
# shellcheck source=scripts/python.sh
. "$ROOT/scripts/python.sh"
# shellcheck source=scripts/process.sh
. "$ROOT/scripts/process.sh"
# shellcheck source=scripts/gpu.sh
. "$ROOT/scripts/gpu.sh"
# shellcheck source=scripts/engines.sh
. "$ROOT/scripts/engines.sh"
# shellcheck source=scripts/docker.sh
. "$ROOT/scripts/docker.sh"
# shellcheck source=scripts/containers.sh
. "$ROOT/scripts/containers.sh"
# shellcheck source=scripts/units.sh
. "$ROOT/scripts/units.sh"
# shellcheck source=scripts/systemd.sh
. "$ROOT/scripts/systemd.sh"

usage() {
  cat <<'END'
Usage: ./start.sh [options]

  --port N        listen on port N (default: PORT, else 8900); the next free one if it is taken
  --engine NAME   auto, or one of the engines below (default: ENGINE, else auto)
  --foreground    stay in this terminal, log to it, stop with Ctrl-C (implies --local)
  --docker        in a container; where there is no GPU, the embedded voice
  --local         not in a container
  --gpus LIST     all, or numbers like 0,2: a container for each of these GPUs, behind one HAProxy on the port
  --systemd       write a systemd unit that starts the service at boot, and start it: for root a unit of the system, else
                  one of yours; --systemd=user and --systemd=system choose (implies --local)
  --build         make the image anew, after an update of this folder
  -h, --help      this text

Without --docker or --local: in a container if there is an NVIDIA GPU, Docker runs, and it can hand GPUs out.

auto speaks with the first engine that can here. Every setting of .env.example may be given in the environment or in
.env. An engine for GPUs runs on a CPU, far slower than real time, only when it is asked to: --engine NAME with
DEVICE=cpu in the environment.

Of several GPUs the one with the least memory in use is taken, first of those that no instance has; choose yourself
with CUDA_VISIBLE_DEVICES=N, or NVIDIA_VISIBLE_DEVICES=N.
PYTHON names the Python to make .venv with, VENV another folder than .venv, START_TIMEOUT_S how long to wait for an
answer.
Several instances: ./start.sh --port 8901. The log of each is in .run/PORT.log. Stop: ./stop.sh
END
  find_probe_python || return 0
  printf '\nEngines:\n%s\n' "$(engines list)"
}

main() {
  foreground='' engine='' where='' gpus='' rebuild='' systemd=''
  read_arguments "$@"
  cd "$ROOT"
  export ENGINE
  ENGINE=$(setting ENGINE auto)
  find_probe_python || no_python
  check_engine
  one_at_a_time
  if in_docker; then
    start_containers
  else
    start_here
  fi
}

start_here() {
  [[ ! $systemd ]] || prepare_unit
  check_machine
  make_venv
  [[ $systemd ]] || choose_port
  ! wants_gpu || choose_gpu
  install_dependencies
  if [[ $systemd ]]; then
    start_as_unit
  elif [[ $foreground ]]; then
    run_in_foreground
  else
    start_in_background
    greet
  fi
}

read_arguments() {
  while (($#)); do
    case $1 in
      --port) PORT=${2:?--port needs a number} && shift ;;
      --port=*) PORT=${1#*=} ;;
      --engine) ENGINE=${2:?--engine needs a name} && shift ;;
      --engine=*) ENGINE=${1#*=} ;;
      --foreground) foreground=yes ;;
      --docker) where=docker ;;
      --local) where=local ;;
      --gpus) gpus=${2:?--gpus needs all or a list} && shift ;;
      --gpus=*) gpus=${1#*=} ;;
      --systemd) systemd=yes ;;
      --systemd=*) systemd=${1#*=} ;;
      --build) rebuild=yes ;;
      -h | --help) usage && exit ;;
      *) die "Unknown option $1; see ./start.sh --help" ;;
    esac
    shift
  done
  [[ -z $gpus || $where != local ]] || die "--gpus puts each instance into a container; --local forbids that."
  [[ -z $gpus || -z $(setting TLS_CERT) ]] ||
    die "--gpus puts a balancer before the instances, and with TLS_CERT they would speak https to it; have a proxy speak it."
  [[ -z $gpus || -z $(wyoming_port) ]] ||
    die "--gpus starts several instances, and only one of them could have WYOMING_PORT; unset it, or start without --gpus."
  [[ -z $gpus ]] || where=docker
  [[ -z $foreground || $where != docker ]] || die "--foreground and containers do not go together; try docker logs -f."
  [[ -z $systemd || $where != docker ]] || die "--systemd and containers do not go together; compose restarts its own."
  [[ -z $foreground && -z $systemd ]] || where=local
}

# one_at_a_time: a second start.sh waits here until the first has its service running, and then finds it.
one_at_a_time() {
  { mkdir -p "$RUN_DIR" && : >>"$RUN_DIR/lock"; } 2>/dev/null ||
    die "Nothing can be written to $RUN_DIR: is the folder another user's, or was the service started as another user before?"
  exec 9>"$RUN_DIR/lock"
  probe lock 9
}

probe() { "$PROBE_PYTHON" -I "$ROOT/scripts/probe.py" "$@"; }

wanted_port() {
  local wanted
  wanted=$(setting PORT 8900)
  if [[ ! $wanted =~ ^[0-9]{1,5}$ ]] || ((10#$wanted > 65535)); then
    die "PORT=$wanted is not a port number."
  fi
  printf '%d' "$((10#$wanted))"
}

# choose_port: exports PORT and sets ADDRESS. Ends here, content, when the service is there already.
choose_port() {
  local wanted port found
  wanted=$(wanted_port)
  HOST=$(listen_address)
  for ((port = wanted; port < wanted + PORTS_TRIED && port <= 65535; port++)); do
    end_if_served "$port"
    if found=$(probe port "$HOST" "$port"); then
      export PORT=$found
      ADDRESS=$(address_of "$PORT")
      ((port == wanted)) || say "Port $wanted is taken by another program; using $PORT."
      return
    elif (($? != 1)); then
      die "Cannot listen on HOST=$HOST, port $port; the reason is above."
    fi
  done
  die "No free port from $wanted on."
}

# end_if_served PORT: a port that our own service has is no reason to start another.
end_if_served() {
  local engine unit
  if running "$1"; then
    ADDRESS=$instance_address
    wait_until_up "$1" ||
      die "Process $instance_pid, started from here, does not answer at $ADDRESS; log: .run/$1.log. Stop it: ./stop.sh"
    say "The service is already running: $ADDRESS (engine $engine). Stop it: ./stop.sh"
    exit 0
  fi
  ADDRESS=$(address_of "$1")
  engine=$(probe service "$ADDRESS") || return 0
  if [[ -n $(instances_on "$1")$(balancers_on "$1") ]]; then
    say "The service is already running in a container: $ADDRESS (engine $engine). Stop it: ./stop.sh"
    exit 0
  fi
  if unit=$(unit_on "$1"); then
    say "The service is already running: $ADDRESS (engine $engine, systemd unit ${unit#* }). Stop it: ./stop.sh"
    exit 0
  fi
  say "A Kyutai TTS service not started from this folder is already running: $ADDRESS (engine $engine)."
  exit 0
}

run_in_foreground() {
  record "$PORT" $$ "$ADDRESS" "${CUDA_VISIBLE_DEVICES:-}"
  exec "$VENV/bin/python" app.py 9>&-
}

start_in_background() {
  local log=.run/$PORT.log
  [[ ! -f $log ]] || mv -f "$log" "$log.1"
  local -a detached=(nohup)
  have setsid && detached=(setsid nohup)
  local interrupted=''
  trap 'interrupted=yes' INT TERM # until it is written down, stop.sh could not find it
  "${detached[@]}" "$VENV/bin/python" app.py >"$log" 2>&1 </dev/null 9>&- &
  record "$PORT" $! "$ADDRESS" "${CUDA_VISIBLE_DEVICES:-}"
  trap 'give_up "Interrupted."' INT TERM
  [[ -z $interrupted ]] || give_up "Interrupted."
  wait_until_up "$PORT" || give_up "The service did not start. The end of its log ($log):"
  trap - INT TERM
}

# wait_until_up PORT: until the instance recorded for it answers; sets engine. False when it died or took too long.
wait_until_up() {
  local deadline=$((SECONDS + START_TIMEOUT_S))
  while running "$1" && ((SECONDS < deadline)); do
    engine=$(probe service "$ADDRESS") && return
    sleep 0.2
  done
  return 1
}

# give_up REASON: shows the end of the log, leaves nothing behind.
give_up() {
  trap - INT TERM
  warn "$1"
  tail -n 20 ".run/$PORT.log" >&2
  if running "$PORT"; then
    warn "(it was still running and did not answer at $ADDRESS within $START_TIMEOUT_S s)"
    "$ROOT/stop.sh" --now --port "$PORT" >&2
  fi
  forget "$PORT"
  exit 1
}

greet() { greet_as "engine $engine${CUDA_VISIBLE_DEVICES:+, GPU $CUDA_VISIBLE_DEVICES}" ".run/$PORT.log"; }

# greet_as WHAT LOG
greet_as() {
  local network insecure=''
  [[ $ADDRESS != https:* ]] || insecure=k # the certificate is for another name
  network=$(network_address)
  cat <<END

The service is running: $ADDRESS  ($1)${network:+
  from other machines of this network: $network}
  log    $2
  stop   ./stop.sh

Open that address in a browser, or try it here:
  curl -sS$insecure --fail-with-body $ADDRESS/api/tts -H 'content-type: application/json' -d '{"text":"The quick brown fox jumps over the lazy dog."}' -o fox.wav

Next: ./test_api.sh tries everything; cp .env.example .env to change settings; README.md and docs/clients.md show what
else it does (中文: docs/QUICKSTART.md)$([[ $systemd ]] || printf '; ./start.sh --systemd starts it at boot').
END
}

# network_address: where other machines of the network reach it; nothing where it listens to this one alone.
network_address() {
  local address
  [[ $(listen_address) == 0.0.0.0 || $(listen_address) == :: ]] || return 0
  address=$(probe network) || return 0
  printf '%s://%s:%s' "${ADDRESS%%:*}" "$address" "$PORT"
}

main "$@"
