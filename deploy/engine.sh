#!/usr/bin/env bash
# A Docker Engine of its own for deploy/verify_docker.sh, in one folder, on a Debian machine that has none. Needs root and
# Debian's mirror; installs nothing but the four small programs named below. See --help.
set -euo pipefail

# shellcheck source=scripts/debian.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/debian.sh"

usage() {
  cat <<'END'
Usage: deploy/engine.sh ACTION FOLDER

  up      fetch it (Debian's packages, unpacked there and not installed) and start it
  env     print what a shell needs to use it:  eval "$(deploy/engine.sh env FOLDER)"
  bases   make the images stand-in:base (Debian, in the place of the NVIDIA one) and stand-in:haproxy
  down    stop it and put the machine's network settings back

The machine must have no other Docker Engine at work: two would share the bridge docker0 and the firewall's rules, and
"down" takes both away. There is no GPU in it. A hook in the place of NVIDIA's notes in FOLDER/hook.log which GPUs each container would get;
WITHOUT_GPUS=1 leaves even that out.
END
}

PROGRAMS=(runc iptables mmdebstrap jq)
PACKAGES=(docker.io docker-cli containerd docker-compose docker-buildx)
SUBNET=10.231.0.1/24

# fetch: an engine and a compose newer than Debian 12 has; its own runc, which fits this machine's C library.
fetch() {
  local package
  local -a missing=()
  for package in "${PROGRAMS[@]}"; do
    command -v "$package" >/dev/null || missing+=("$package")
  done
  apt-get -qq update
  ((${#missing[@]} == 0)) || DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
  unpack_newer "$folder" "${PACKAGES[@]}"
  mkdir -p "$folder"/{docker-config/cli-plugins,bin}
  ln -sf "$folder"/root/usr/libexec/docker/cli-plugins/docker-{compose,buildx} "$folder/docker-config/cli-plugins/"
  ln -sf "$folder/root/usr/libexec/docker/cli-plugins/docker-compose" "$folder/bin/docker-compose"
}

# gpu_hook: the engine hands GPUs out as soon as a program of this name is on its PATH, and calls it for each container.
gpu_hook() {
  mkdir -p "$folder/hooks"
  : >"$folder/hook.log"
  [[ -z ${WITHOUT_GPUS:-} ]] || return 0
  cat >"$folder/hooks/nvidia-container-runtime-hook" <<END
#!/bin/sh
# The last value wins, as in NVIDIA's own.
bundle=\$(jq -r .bundle)
jq -r '.process.env[] | select(startswith("NVIDIA_VISIBLE_DEVICES="))' "\$bundle/config.json" | tail -n 1 >>"$folder/hook.log"
END
  chmod +x "$folder/hooks/nvidia-container-runtime-hook"
}

# alone: another engine's bridge and rules would be changed by "up" and removed by "down".
alone() {
  ! ip link show docker0 >/dev/null 2>&1 && ! iptables-save 2>/dev/null | grep -q DOCKER && return
  echo "There is a Docker Engine on this machine already, or one that was not taken down: deploy/engine.sh down FOLDER." >&2
  exit 3
}

up() {
  [[ -x $folder/root/usr/sbin/dockerd ]] || fetch
  rm -rf "$folder/hooks"
  gpu_hook
  iptables -S FORWARD | head -n 1 >"$folder/policy.before" # the engine may set it to DROP
  cp /proc/sys/net/ipv4/ip_forward "$folder/ip_forward.before"
  PATH=$folder/hooks:$folder/root/usr/bin:$folder/root/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    setsid nohup "$folder/root/usr/sbin/dockerd" --data-root "$folder/data" --exec-root "$folder/exec" \
    --pidfile "$folder/dockerd.pid" -H "unix://$folder/docker.sock" --bip "$SUBNET" \
    >"$folder/dockerd.log" 2>&1 </dev/null &
  local _
  for _ in {1..120}; do
    if ours version >/dev/null 2>&1; then return; fi
    sleep 0.25
  done
  tail -n 20 "$folder/dockerd.log" >&2
  exit 1
}

ours() { DOCKER_HOST=unix://$folder/docker.sock DOCKER_CONFIG=$folder/docker-config "$folder/root/usr/bin/docker" "$@"; }

# shellcheck disable=SC2016  # for the shell that evaluates it
environment() {
  printf 'export DOCKER_HOST=unix://%q DOCKER_CONFIG=%q PATH=%q:%q:"$PATH"\n' \
    "$folder/docker.sock" "$folder/docker-config" "$folder/bin" "$folder/root/usr/bin"
}

# bases: this machine's certificates go along, so that a build works behind a company's.
# shellcheck disable=SC2016  # for mmdebstrap's shell
bases() {
  local certificates=/etc/ssl/certs/ca-certificates.crt
  mmdebstrap -q --variant=minbase --include=ca-certificates \
    --customize-hook="copy-in $certificates /etc/ssl/certs" --customize-hook='rm -rf "$1"/var/cache/apt/*' \
    bookworm - "$(mirror)" |
    ours import --change "ENV SSL_CERT_FILE=$certificates PIP_CERT=$certificates" - stand-in:base >/dev/null
  ours build --quiet --network host -t stand-in:haproxy - >/dev/null <<'END'
FROM stand-in:base
RUN apt-get update && apt-get install -y --no-install-recommends haproxy && rm -rf /var/lib/apt/lists/*
STOPSIGNAL SIGUSR1
USER haproxy
CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
END
}

down() {
  local pid _
  [[ -f $folder/ip_forward.before ]] || return 0     # it was never up: what there is belongs to others
  ours network prune --force >/dev/null 2>&1 || true # or their bridges would stay
  pid=$(cat "$folder/dockerd.pid" 2>/dev/null || true)
  [[ -z $pid ]] || kill "$pid" 2>/dev/null || true
  for _ in {1..80}; do
    if [[ -z $pid ]] || ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.25
  done
  ip link del docker0 2>/dev/null || true
  iptables-save | { grep -v -E 'DOCKER|docker0|br-[0-9a-f]{12}' || true; } | iptables-restore
  xargs iptables <"$folder/policy.before"
  cat "$folder/ip_forward.before" >/proc/sys/net/ipv4/ip_forward
  umount "$folder/exec/netns/default" 2>/dev/null || true
  rm "$folder/ip_forward.before"
}

case ${1:-} in
  up | env | bases | down) action=$1 ;;
  -h | --help) usage && exit ;;
  *)
    usage >&2
    exit 2
    ;;
esac
folder=$(realpath -m "${2:?a folder}")
[[ $action != up ]] || alone
if [[ $action != env ]] && ! { [[ $EUID == 0 ]] && command -v apt-get >/dev/null; }; then
  echo "This needs root on Debian." >&2
  exit 3
fi
case $action in
  env) environment ;;
  *) "$action" ;;
esac
