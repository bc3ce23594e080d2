#!/usr/bin/env bash
# The systemd units that start.sh --systemd wrote from this folder. Sourced by start.sh and stop.sh; uses ROOT and have().

# systemd_answers KIND: whether that systemd, the system's or the user's, can be asked here.
systemd_answers() { have systemctl && systemctl "--$1" show-environment >/dev/null 2>&1; }

# unit_folder KIND
unit_folder() {
  if [[ $1 == system ]]; then
    printf /etc/systemd/system
  else
    printf '%s/systemd/user' "${XDG_CONFIG_HOME:-${HOME:-}/.config}"
  fi
}

# unit_runs KIND NAME: started, or between a crash and the next start.
unit_runs() {
  case $(systemctl "--$1" is-active "$2" 2>/dev/null || true) in
    active | activating | reloading) ;;
    *) return 1 ;;
  esac
}

# running_units: "KIND NAME PORT" of each that runs.
running_units() {
  local kind file name
  have systemctl || return 0
  for kind in user system; do
    for file in "$(unit_folder "$kind")"/kyutai-tts*.service; do
      name=${file##*/} name=${name%.service}
      grep -qxF "WorkingDirectory=${ROOT//%/%%}" "$file" 2>/dev/null || continue
      ! unit_runs "$kind" "$name" || printf '%s %s %s\n' "$kind" "$name" "$(sed -n 's/^Environment="PORT=\([0-9]*\)"$/\1/p' "$file")"
    done
  done
}

# unit_on PORT: "KIND NAME" of the one that has it; false where none does.
unit_on() { running_units | sed -n "s/ $1\$//p" | grep .; }

# systemctl_for KIND, unit_log KIND NAME: as people type it.
systemctl_for() { if [[ $1 == system ]]; then printf 'sudo systemctl'; else printf 'systemctl --user'; fi; }
unit_log() { if [[ $1 == system ]]; then printf 'sudo journalctl -u %s' "$2"; else printf 'journalctl --user -u %s' "$2"; fi; }
