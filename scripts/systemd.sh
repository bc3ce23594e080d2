#!/usr/bin/env bash
# start.sh --systemd: a unit that starts the service at boot and after a crash. Sourced by start.sh; uses its ROOT, VENV,
# PORT, ENGINE, START_TIMEOUT_S, systemd, setting(), probe() and greet_as(), and scripts/units.sh.
# shellcheck disable=SC2154

# What the unit itself holds: what may be of this unit alone, and what .env does not give to the libraries that download.
readonly UNIT_VARIABLES=(
  PORT HOST ENGINE DEVICE CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER
  HTTPS_PROXY HTTP_PROXY NO_PROXY https_proxy http_proxy no_proxy SSL_CERT_FILE REQUESTS_CA_BUNDLE
)

# unit_kind: user or system, as --systemd=KIND says; unset: system for root, else user.
unit_kind() {
  case ${systemd#yes} in
    user | system) printf '%s' "$systemd" ;;
    '') if ((EUID == 0)); then printf system; else printf user; fi ;;
    *) die "--systemd=$systemd is neither user nor system." ;;
  esac
}

# prepare_unit: sets kind, name, file, PORT and ADDRESS; ends here, before anything is installed, where the unit could not
# work.
prepare_unit() {
  kind=$(unit_kind)
  PORT=$(wanted_port)
  ((PORT)) || die "--systemd needs a port: PORT=0 would be another one after each start."
  export PORT
  name=$(unit_name)
  file=$(unit_folder "$kind")/$name.service
  { mkdir -p "${file%/*}" && [[ -w ${file%/*} ]]; } 2>/dev/null ||
    die "$file cannot be written. As root: sudo ./start.sh --systemd; for you alone: ./start.sh --systemd=user"
  nothing_is_lost
  ADDRESS=$(export HOST && HOST=$(listen_address) && address_of "$PORT") # HOST itself stays as it was asked for
  if systemd_answers "$kind" && ! unit_runs "$kind" "$name"; then port_is_free; fi
}

# nothing_is_lost: systemd does not see this shell; API_KEYS that were given in it alone would protect nothing.
nothing_is_lost() {
  local lost='' variable
  while read -r variable; do
    [[ " ${UNIT_VARIABLES[*]} " != *" $variable "* && -n ${!variable:-} ]] || continue
    [[ ${!variable} == "$(env_file_value "$variable" "$ROOT/.env")" ]] || lost+=" $variable"
  done < <(sed -n 's/^#\([A-Z0-9_]*\)=.*/\1/p' "$ROOT/.env.example")
  [[ -z $lost ]] || die "Set in this shell, which systemd does not see:$lost. Write it into $ROOT/.env and start again."
}

port_is_free() {
  ! running "$PORT" || die "./start.sh has started the service on port $PORT: ./stop.sh --port $PORT, then start again."
  probe port "$(listen_address)" "$PORT" >/dev/null ||
    die "Port $PORT cannot be had: it is taken, or the reason is above. Another: ./start.sh --systemd --port N"
}

# start_as_unit: writes the unit, and starts it where systemd runs.
start_as_unit() {
  unit "$kind" >"$file"
  say "Wrote $file"
  [[ $kind == user ]] || hand_over "$(unit_user)"
  if systemd_answers "$kind"; then
    start_unit
    tell_of_unit
    greet_as "engine $engine" "$(unit_log "$kind" "$name") -f"
  else
    say "No systemd answers here (after su or sudo there is none of yours: log in as yourself). Where one does:"
    say "  start    $(systemctl_for "$kind") enable --now $name"
    tell_of_unit
  fi
}

# hand_over USER: what root has made here goes to whom the service runs as.
hand_over() {
  local path
  [[ $1 != root ]] || return 0
  for path in "$VENV" "$RUN_DIR" "$ROOT/outputs" "$ROOT/voices"; do
    [[ ! -e $path ]] || chown -R "$1:" "$path"
  done
}

# start_unit: until the service answers; sets engine.
start_unit() {
  systemctl "--$kind" daemon-reload || die "systemctl --$kind daemon-reload failed; the unit is written."
  systemctl "--$kind" enable "$name" || die "systemctl --$kind enable $name failed; the unit is written."
  local deadline=$((SECONDS + START_TIMEOUT_S))
  if systemctl "--$kind" restart "$name"; then
    while unit_runs "$kind" "$name" && ((SECONDS < deadline)); do
      if engine=$(probe service "$ADDRESS"); then return; fi
      sleep 0.2
    done
  fi
  warn "The service did not start. The end of its log ($(unit_log "$kind" "$name")):"
  journalctl "--$kind" -u "$name" -n 8 -o cat --no-pager >&2 || true
  die "When that is mended, start again with the same command."
}

unit_name() { if [[ $PORT == 8900 ]]; then printf kyutai-tts; else printf 'kyutai-tts-%s' "$PORT"; fi; }

# unit KIND: its text. notify: gunicorn tells when it listens. KillMode: its master alone is told to end and lets its
# worker finish. Exit code 2 is a setting that is wrong, which another start does not mend. DRAIN_TIMEOUT and 10 s, as
# ./stop.sh waits.
unit() {
  cat <<END
# Written by ./start.sh --systemd. Settings that are not here: $ROOT/.env
[Unit]
Description=Kyutai TTS service on port $PORT
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
WorkingDirectory=${ROOT//%/%%}
ExecStart=$(quoted_for_unit "$VENV/bin/python") app.py
$(unit_environment)
Restart=on-failure
RestartSec=2
RestartPreventExitStatus=2
KillMode=mixed
TimeoutStartSec=$START_TIMEOUT_S
TimeoutStopSec=$(($(drain_s) + 10))
NoNewPrivileges=true
$([[ $1 != system ]] || printf 'User=%s\n' "$(unit_user)")
[Install]
WantedBy=$(if [[ $1 == system ]]; then printf multi-user.target; else printf default.target; fi)
END
}

# unit_environment: what was chosen here, but nothing that stands in .env: a later change there would not count. The port
# is the unit's own.
unit_environment() {
  local variable in_file
  for variable in "${UNIT_VARIABLES[@]}"; do
    [[ -n ${!variable:-} ]] || continue
    in_file=$(env_file_value "$variable" "$ROOT/.env")
    [[ $variable != ENGINE ]] || in_file=${in_file:-auto}
    [[ $variable != PORT && ${!variable} == "$in_file" ]] ||
      printf 'Environment=%s\n' "$(quoted_for_unit "$variable=${!variable}")"
  done
}

# unit_user: whose the folder is; where that is root, who asked by sudo.
unit_user() {
  local owner
  owner=$(stat -c %U "$ROOT" 2>/dev/null || true)
  [[ ${owner:-root} != root ]] || owner=${SUDO_USER:-root}
  printf '%s' "$owner"
}

# quoted_for_unit TEXT: systemd expands % everywhere.
quoted_for_unit() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  printf '"%s"' "${text//%/%%}"
}

tell_of_unit() {
  local manage
  manage=$(systemctl_for "$kind")
  say "  state    $manage status $name"
  say "  restart  $manage restart $name    (after git pull: ${manage%systemctl*}./start.sh --systemd=$kind)"
  say "  remove   $manage disable --now $name && ${manage%systemctl*}rm $file"
  if [[ $kind == user && ! -e /var/lib/systemd/linger/${USER:-} ]]; then
    # shellcheck disable=SC2016  # to be typed as it is
    say '  It starts when you log in and ends when you log out. To let it run always:  sudo loginctl enable-linger "$USER"'
  fi
}
