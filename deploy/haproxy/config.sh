#!/usr/bin/env bash
# Prints HAProxy's configuration for these instances of the service. See --help.
set -euo pipefail

usage() {
  cat <<'END'
Usage: deploy/haproxy/config.sh [options] HOST:PORT... >haproxy.cfg

  --bind ADDRESS   where speech is asked for (default :8900)
  --stats ADDRESS  where HAProxy tells Prometheus of itself, its queue above all (default 127.0.0.1:8405)
  --slots N        requests that one instance gets at once (default 32): its MAX_SLOTS. The rest waits here and goes to
                   the instance that is free first
  --queue N        requests that may wait; one more is refused with 429 (default 64). 0: none waits
  --jobs ADDRESS   the instance that keeps the jobs (JOB_WORKERS), which need not be one of those that speak. Without it
                   jobs stay with one of them until that one dies

The instances may be on this machine or on others: one server line each. Name containers on this machine by the address
of Docker's bridge and not by 127.0.0.1, where Docker answers for a container that is gone. Needs HAProxy 2.4 or newer.
END
}

bind=:8900 stats=127.0.0.1:8405 slots=32 queue=64 jobs=''
while (($#)); do
  case $1 in
    --bind) bind=${2:?} && shift ;;
    --stats) stats=${2:?} && shift ;;
    --slots) slots=${2:?} && shift ;;
    --queue) queue=${2:?} && shift ;;
    --jobs) jobs=${2:?} && shift ;;
    -h | --help) usage && exit ;;
    -*) usage >&2 && exit 2 ;;
    *) break ;;
  esac
  shift
done
(($#)) || {
  usage >&2
  exit 2
}

# error MESSAGE TYPE CODE: the body that the service itself would send.
error() {
  printf '\x27{"error":{"message":"%s","type":"%s","param":null,"code":"%s"}}\x27' "$1" "$2" "$3"
}

# servers SUFFIX ADDRESS...: a line for each; SUFFIX may say %s for the server's name.
servers() {
  local suffix=$1 number=0 address
  shift
  for address in "$@"; do
    number=$((number + 1))
    # shellcheck disable=SC2059  # the suffix is a format of ours
    printf "  server i$number $address$suffix\n" "i$number"
  done
}

# jobs_backend SERVER...: one instance at a time has the folder of jobs; the others answer 503 while it does.
jobs_backend() {
  if [[ $jobs ]]; then
    printf '  default-server check inter 1s fastinter 250ms downinter 500ms fall 3 rise 1\n  server host %s\n' "$jobs"
    return
  fi
  cat <<'END'
  balance roundrobin
  stick-table type integer size 1
  stick on int(1)
  retry-on conn-failure 503     # who has them is found by asking
END
  servers ' track speech/%s' "$@"
}

cat <<END
# Made by deploy/haproxy/config.sh; make it anew rather than edit it.
global
  maxconn 4000
  tune.bufsize 98304            # a request that fits in here can be sent again to another instance

defaults
  mode http
  timeout connect 5s
  timeout http-request 10s
  timeout client 120s
  timeout client-fin 5s
  timeout server 330s           # longest silence, first byte included: the first request waits for the model
  timeout queue 120s
  timeout check 3s
  timeout tunnel 1h             # WebSockets
  option srvtcpka               # notices within 25 s that a machine is gone
  srvtcpka-idle 10s
  srvtcpka-intvl 5s
  srvtcpka-cnt 3
  option http-no-delay          # or HAProxy would hold several pieces of audio back and send them together
  option abortonclose           # who leaves while waiting leaves the queue
  option redispatch 1
  option forwardfor
  retries 3
  http-error status 503 content-type application/json string $(error 'No instance could take the request in time.' server_error no_instance) hdr Retry-After 2

frontend speech
  bind $bind
  acl speaks path_beg /api/tts /api/stream /v1/audio/speech
  http-request return status 429 content-type application/json string $(error 'Every slot is taken and the queue is full.' rate_limit_error queue_full) hdr Retry-After 2 if speaks { queue(speech) ge $queue } !{ be_conn_free(speech) gt 0 }
  acl passage path /api/passages
  http-request return status 429 content-type application/json string $(error 'There is no slot to spare for a passage of a job.' rate_limit_error queue_full) hdr Retry-After 2 if passage !{ be_conn_free(speech) gt 0 }
  use_backend speech if speaks or passage
  use_backend jobs if { path_beg /api/jobs }
  default_backend light

# A slot each; what is too many waits here, passages of jobs never: people come first. An instance that drains answers 404 at /lb: it gets nothing new and what it
# speaks ends in peace. One that refuses a connection is left at once (it would look idle, and draw all who wait), one
# that is stuck within 12 s. Who was waiting is sent elsewhere; whom a dead one spoke to sees the stream break.
# No shutdown-sessions: it would end those too that were just being sent elsewhere.
backend speech
  balance leastconn
  option http-buffer-request
  retry-on conn-failure empty-response 503
  option httpchk
  http-check send meth GET uri /lb
  http-check disable-on-404
  default-server check inter 1s fastinter 250ms downinter 500ms fall 3 rise 1 maxconn $slots observe layer4 error-limit 1 on-error mark-down
$(servers '' "$@")

# Everything else must not wait behind speech.
backend light
  balance roundrobin
  option httpchk
  http-check disable-on-404
$(servers ' track speech/%s' "$@")

backend jobs
  option httpchk
  http-check send meth GET uri /lb
  http-check disable-on-404
$(jobs_backend "$@")

frontend stats
  bind $stats
  http-request use-service prometheus-exporter if { path /metrics }
  http-request deny
END
