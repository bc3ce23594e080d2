#!/usr/bin/env bash
# Stops what start.sh started from this folder, and only that: a process is stopped when its number and its time of
# birth are those that start.sh wrote down, a container or a systemd unit when it was started from here. Running streams
# may finish first. Harmless when nothing runs. See --help.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RUN_DIR=$ROOT/.run
GRACE_S=10         # on top of DRAIN_TIMEOUT, before the process is killed
GRACE_NOW_S=3      # the same after --now
BALANCER_LOOKS_S=2 # more often than that a balancer looks whether an instance drains

# shellcheck source=scripts/common.sh
. "$ROOT/scripts/common.sh"
# shellcheck source=scripts/process.sh
. "$ROOT/scripts/process.sh"
# shellcheck source=scripts/docker.sh
. "$ROOT/scripts/docker.sh"
# shellcheck source=scripts/units.sh
. "$ROOT/scripts/units.sh"

usage() {
  cat <<'END'
Usage: ./stop.sh [options]

  --port N    stop only the instance on port N, or the balancer on it with all behind it (default: everything that
              was started from this folder, containers and systemd units too)
  --now       do not wait for running streams
  -h, --help  this text
END
}

main() {
  local now='' only='' failed='' port
  local -a ports=() instances=() balancers=() units=()
  read_arguments "$@"
  for port in $(recorded_ports); do
    [[ -z $only || $port == "$only" ]] || continue
    if running "$port"; then
      ports+=("$port")
    else
      forget "$port" # it ended by itself; its number may belong to another process by now
    fi
  done
  find_containers
  mapfile -t units < <(running_units | if [[ $only ]]; then grep " $only\$"; else cat; fi)
  ((${#ports[@]} + ${#instances[@]} + ${#balancers[@]} + ${#units[@]})) || say "Nothing to stop${only:+ on port $only}: no service that start.sh started here is running."
  for port in "${ports[@]+"${ports[@]}"}"; do
    ask_to_stop "$port"
  done
  for port in "${ports[@]+"${ports[@]}"}"; do
    see_it_stop "$port"
  done
  stop_containers
  stop_units
  [[ -z $failed ]]
}

read_arguments() {
  while (($#)); do
    case $1 in
      --port) only=${2:?--port needs a number} && shift ;;
      --port=*) only=${1#*=} ;;
      --now) now=yes ;;
      -h | --help) usage && exit ;;
      *) die "Unknown option $1; see ./stop.sh --help" ;;
    esac
    shift
  done
}

ask_to_stop() {
  running "$1" || return 0
  if [[ $now ]]; then
    say "Stopping the service on port $1 (process $instance_pid) at once."
    kill -QUIT "$instance_pid" 2>/dev/null || true # gunicorn's quick end
  else
    say "Stopping the service on port $1 (process $instance_pid);" \
      "running streams get up to $(drain_s) s to finish (--now cuts them off)."
    kill -TERM "$instance_pid" 2>/dev/null || true
  fi
}

# see_it_stop PORT: waits for the end, and forces it when it does not come.
see_it_stop() {
  local deadline=$((SECONDS + ($(drain_s) + GRACE_S)))
  [[ -z $now ]] || deadline=$((SECONDS + GRACE_NOW_S))
  while running "$1" && ours && ((SECONDS < deadline)); do
    sleep 0.1
  done
  if running "$1" && ours; then
    [[ $now ]] || warn "It did not end in time and is killed."
    kill_with_workers "$instance_pid"
  fi
  if running "$1"; then
    warn "Process $instance_pid could not be stopped; was it started by another user?"
    failed=yes
    return
  fi
  forget "$1"
  say "Stopped."
}

# ours: whether it takes signals from us; a process of another user does not, and waiting for it would never end.
ours() { kill -0 "$instance_pid" 2>/dev/null; }

kill_with_workers() {
  local target=$1
  leads_group "$1" && target=-$1
  kill -KILL -- "$target" 2>/dev/null || true
  sleep 0.2 # the system collects it
}

# find_containers: sets instances and balancers to the ids of those meant.
find_containers() {
  docker_answers || return 0
  local service
  if [[ $only ]]; then
    mapfile -t instances < <(instances_on "$only" | sort -u)
    mapfile -t balancers < <(balancers_on "$only")
  else
    mapfile -t instances < <(for service in tts cpu; do our_containers "label=com.docker.compose.service=$service"; done)
    mapfile -t balancers < <(all_balancers)
  fi
}

# stop_containers: the balancers last, because streams pass through them.
stop_containers() {
  local -a networks
  ((${#instances[@]} + ${#balancers[@]})) || return 0
  mapfile -t networks < <(networks_of "${instances[@]}")
  announce_end "${instances[@]}"
  end_containers "${instances[@]}"
  end_containers "${balancers[@]}"
  ((${#networks[@]} == 0)) || ask_docker network rm "${networks[@]}" >/dev/null
}

# announce_end ID...: a balancer sends them nothing more; the file is the image's DRAIN_FILE.
announce_end() {
  local id announced=''
  [[ -z $now ]] || return 0
  for id in "$@"; do
    [[ -n $(ask_docker inspect --format '{{index .Config.Labels "kyutai-tts.balancer"}}' "$id") ]] || continue
    ask_docker exec "$id" touch /tmp/drain
    announced=yes
  done
  [[ -z $announced ]] || sleep "$BALANCER_LOOKS_S"
}

# stop_units: systemd waits for the running streams. It starts them again at the next boot.
stop_units() {
  local unit kind name _
  for unit in "${units[@]+"${units[@]}"}"; do
    read -r kind name _ <<<"$unit"
    if [[ $kind == system && $EUID != 0 ]]; then
      warn "$name is a unit of the system: sudo systemctl stop $name"
      failed=yes
      continue
    fi
    say "Stopping the systemd unit $name; it starts again at the next boot unless it is disabled."
    [[ -z $now ]] || systemctl "--$kind" kill --kill-who=main --signal=QUIT "$name" || true
    if systemctl "--$kind" stop "$name"; then say "Stopped."; else failed=yes; fi
  done
}

# end_containers ID...: all at once; the engine kills what outlives compose's stop_grace_period.
end_containers() {
  (($#)) || return 0
  local names
  names=$(docker inspect --format '{{.Name}}' "$@" | tr -d / | tr '\n' ' ')
  if [[ $now ]]; then
    say "Stopping at once: $names"
    docker kill "$@" >/dev/null 2>&1 || true
  else
    say "Stopping: $names(running streams get up to $(drain_s) s to finish; --now cuts them off)"
    docker stop "$@" >/dev/null || failed=yes
  fi
  if docker rm --force "$@" >/dev/null; then say "Stopped."; else failed=yes; fi
}

main "$@"
