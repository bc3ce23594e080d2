#!/usr/bin/env bash
# What every script of ours needs: saying things, failing with a reason, reading one setting.
# Sourced, never run. Expects ROOT (this repository's folder).

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then # before 4.4 an empty array counted as unset
  printf 'bash 4.4 or newer is needed; this is %s.\n' "$BASH_VERSION" >&2
  exit 1
fi

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }

die() {
  warn "$@"
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# setting NAME [DEFAULT]: the environment's value, else the one in .env, else the default. An empty value counts as
# unset, as in app.py.
setting() {
  local value=${!1:-}
  [[ -n $value ]] || value=$(env_file_value "$1" "${ENV_FILE:-$ROOT/.env}")
  printf '%s' "${value:-${2:-}}"
}

# wyoming_port: WYOMING_PORT, or nothing where the protocol is not spoken.
wyoming_port() {
  local port
  port=$(setting WYOMING_PORT 0)
  [[ $port =~ ^0+$ ]] || printf '%s' "$port"
}

# listen_address: HOST, without the brackets that URLs put around an address like [::].
listen_address() {
  local host
  host=$(setting HOST 0.0.0.0)
  host=${host#\[}
  printf '%s' "${host%\]}"
}

# env_file_value NAME FILE: read, never sourced, because a .env is data and not a program. The last line that names it
# wins.
env_file_value() {
  local name=$1 file=$2 line value=''
  [[ -f $file ]] || return 0
  local pattern="^[[:space:]]*(export[[:space:]]+)?${name}[[:space:]]*=[[:space:]]*(.*)\$"
  while IFS= read -r line || [[ -n $line ]]; do
    [[ ${line%$'\r'} =~ $pattern ]] && value=$(unquoted "${BASH_REMATCH[2]}")
  done <"$file"
  printf '%s' "$value"
}

# unquoted TEXT: what is between the quotes, else what stands before a comment, without the spaces around it.
unquoted() {
  local text=$1
  case $text in
    \"*) text=${text#\"} text=${text%%\"*} ;;
    \'*) text=${text#\'} text=${text%%\'*} ;;
    '#'*) text='' ;;
    *)
      text=${text%%[[:space:]]#*}
      text=${text%"${text##*[![:space:]]}"}
      ;;
  esac
  printf '%s' "$text"
}

# drain_s: DRAIN_TIMEOUT in whole seconds, as the service reads it.
drain_s() {
  local value
  value=$(setting DRAIN_TIMEOUT 60)
  value=${value%%.*}
  [[ $value =~ ^[0-9]{1,6}$ ]] || value=60
  printf '%d' "$((10#$value))"
}
