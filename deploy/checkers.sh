#!/usr/bin/env bash
# HAProxy and docker compose for ./test.sh, to check files with, in a folder: an installed HAProxy would be started too.
# See --help.
set -euo pipefail

# shellcheck source=scripts/debian.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/debian.sh"

usage() {
  cat <<'END'
Usage: deploy/checkers.sh FOLDER

Leaves FOLDER/bin/haproxy and FOLDER/bin/docker-compose; 15 MB to fetch. Needs root on Debian, and its mirror.
END
}

case ${1:---help} in -*) usage && exit ;; esac
folder=$(realpath -m "$1")
mkdir -p "$folder/bin"
unpack_with_what_it_needs "$folder" haproxy
unpack_newer "$folder" docker-compose
ln -sf "$folder/root/usr/libexec/docker/cli-plugins/docker-compose" "$folder/bin/docker-compose"
libraries=$(printf '%s:' "$folder"/root/usr/lib/*-linux-gnu)
cat >"$folder/bin/haproxy" <<END
#!/bin/sh
LD_LIBRARY_PATH="$libraries" exec "$folder/root/usr/sbin/haproxy" "\$@"
END
chmod +x "$folder/bin/haproxy"
