#!/usr/bin/env bash
# The instances that start.sh started, one file per port in RUN_DIR: PORT.pid holds the process id, its birth, its
# address, its GPU. Sourced; needs common.sh and RUN_DIR.

# birth PID: tells a process from a later one with the same number; nothing for one that is dead (or dead and not yet
# collected).
birth() {
  local stat
  if [[ -r /proc/self/stat ]]; then
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
    # shellcheck disable=SC2206  # fields; the name before them, in parentheses, may hold spaces
    local -a fields=(${stat##*) })
    [[ ${fields[0]} == [ZX] ]] || printf '%s %s' "${fields[19]}" "$(</proc/sys/kernel/random/boot_id)"
  else
    ps -o lstart= -p "$1" 2>/dev/null || true
  fi
}

# address_of PORT: where this machine reaches a service that listens on HOST.
address_of() {
  local scheme=http
  [[ -z $(setting TLS_CERT) ]] || scheme=https
  case $HOST in
    0.0.0.0) printf '%s://127.0.0.1:%s' "$scheme" "$1" ;;
    ::) printf '%s://[::1]:%s' "$scheme" "$1" ;; # 127.0.0.1 too, but not where a container publishes it
    *:*) printf '%s://[%s]:%s' "$scheme" "$HOST" "$1" ;;
    *) printf '%s://%s:%s' "$scheme" "$HOST" "$1" ;;
  esac
}

# record PORT PID ADDRESS GPU
record() {
  mkdir -p "$RUN_DIR"
  printf '%s\n' "$2" "$(birth "$2")" "$3" "$4" >"$RUN_DIR/$1.pid.new"
  mv -f "$RUN_DIR/$1.pid.new" "$RUN_DIR/$1.pid" # whole or not at all: others read it at any time
}

forget() { rm -f "$RUN_DIR/$1.pid"; }

# recall PORT: sets instance_pid, instance_birth, instance_address, instance_gpu; false when nothing is recorded.
recall() {
  instance_pid='' instance_birth='' instance_address='' instance_gpu=''
  [[ -f $RUN_DIR/$1.pid ]] || return 1
  # shellcheck disable=SC2034  # start.sh reads them
  {
    read -r instance_pid
    read -r instance_birth
    read -r instance_address
    read -r instance_gpu
  } <"$RUN_DIR/$1.pid" || true
  [[ $instance_pid =~ ^[0-9]+$ && -n $instance_birth ]]
}

# running PORT: whether what we started for that port still runs, and not a stranger who was given its number.
running() { recall "$1" && [[ $(birth "$instance_pid") == "$instance_birth" ]]; }

# recorded_ports: every port that has a file, running or not.
recorded_ports() {
  local file
  for file in "$RUN_DIR"/*.pid; do
    [[ -e $file ]] || continue
    file=${file##*/}
    printf '%s\n' "${file%.pid}"
  done
}

gpus_of_instances() {
  local port
  for port in $(recorded_ports); do
    running "$port" && [[ $instance_gpu =~ ^[0-9]+$ ]] && printf '%s\n' "$instance_gpu"
  done
  return 0
}

# leads_group PID: whether its group is its own, so that its workers can be reached through it.
leads_group() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  # shellcheck disable=SC2206
  local -a fields=(${stat##*) })
  [[ ${fields[2]} == "$1" ]]
}
