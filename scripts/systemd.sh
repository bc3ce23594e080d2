#!/usr/bin/env bash
# start.sh --systemd: a unit that starts the service at boot and after a crash. Sourced by start.sh; uses its ROOT, VENV,
# PORT, ENGINE, systemd and setting().
# shellcheck disable=SC2154

# unit_kind: user or system, as --systemd=KIND says; unset: system for root, else user.
unit_kind() {
  case ${systemd#yes} in
    user | system) printf '%s' "$systemd" ;;
    '') if ((EUID == 0)); then printf system; else printf user; fi ;;
    *) die "--systemd=$systemd is neither user nor system." ;;
  esac
}

# start_as_unit: writes the unit, and starts it where systemd runs.
start_as_unit() {
  local kind name file
  kind=$(unit_kind)
  name=$(unit_name)
  file=$(unit_folder "$kind")/$name.service
  { mkdir -p "${file%/*}" && unit "$kind" >"$file"; } 2>/dev/null ||
    die "$file cannot be written. As root: sudo ./start.sh --systemd; for you alone: ./start.sh --systemd=user"
  say "Wrote $file"
  if [[ -d /run/systemd/system ]] && have systemctl; then
    ask_systemd "$kind" daemon-reload
    ask_systemd "$kind" enable "$name"
    ask_systemd "$kind" restart "$name"
  else
    say "systemd does not run here; where it does:"
  fi
  greet_unit "$kind" "$name"
}

ask_systemd() { systemctl "--$1" "${@:2}" || die "systemctl --$1 ${*:2} failed; the unit is written, the reason is above."; }

unit_name() { if [[ $PORT == 8900 ]]; then printf kyutai-tts; else printf 'kyutai-tts-%s' "$PORT"; fi; }

# unit_folder KIND
unit_folder() {
  if [[ $1 == system ]]; then
    printf /etc/systemd/system
  else
    printf '%s/systemd/user' "${XDG_CONFIG_HOME:-$HOME/.config}"
  fi
}

# unit KIND: its text. KillMode: gunicorn's master alone is told to end and lets its worker finish. Exit code 2 is a
# setting that is wrong, which another start does not mend. DRAIN_TIMEOUT and 10 s, as ./stop.sh waits.
unit() {
  cat <<END
# Written by ./start.sh --systemd. Settings: $ROOT/.env
[Unit]
Description=Kyutai TTS service on port $PORT
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
WorkingDirectory=${ROOT//%/%%}
ExecStart=$(quoted_for_unit "$VENV/bin/python") app.py
$(unit_environment)
Restart=on-failure
RestartSec=2
RestartPreventExitStatus=2
KillMode=mixed
TimeoutStopSec=$(($(drain_s) + 10))
NoNewPrivileges=true
$([[ $1 != system ]] || printf 'User=%s\n' "$(unit_user)")
[Install]
WantedBy=$(if [[ $1 == system ]]; then printf multi-user.target; else printf default.target; fi)
END
}

# unit_environment: what was chosen here and does not stand in .env.
unit_environment() {
  local name
  for name in PORT HOST ENGINE DEVICE CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER; do
    [[ -z ${!name:-} ]] || printf 'Environment=%s\n' "$(quoted_for_unit "$name=${!name}")"
  done
}

# unit_user: whose the folder is; under sudo often the one who asked.
unit_user() {
  local owner
  owner=$(stat -c %U "$ROOT" 2>/dev/null || true)
  printf '%s' "${SUDO_USER:-${owner:-root}}"
}

# quoted_for_unit TEXT: systemd expands % everywhere, and $ in commands.
quoted_for_unit() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//%/%%}
  printf '"%s"' "${text//\$/\$\$}"
}

# greet_unit KIND NAME
greet_unit() {
  local sudo=''
  [[ $1 == user ]] || sudo='sudo '
  say "  state    systemctl --$1 status $2"
  say "  log      journalctl --$1 -u $2 -f"
  say "  restart  ${sudo}systemctl --$1 restart $2    (after git pull: ./start.sh --systemd=$1)"
  say "  remove   ${sudo}systemctl --$1 disable --now $2 && ${sudo}rm $(unit_folder "$1")/$2.service"
  # shellcheck disable=SC2016  # to be typed as it is
  [[ $1 == system ]] || say '  before you log in, too:  sudo loginctl enable-linger "$USER"'
}
