#!/usr/bin/env bash
# Tries a running service from outside and says what failed. See --help.
set -u

usage() {
  cat <<'END'
Usage: ./test_api.sh [-k] [BASE_URL]

BASE_URL: where the service is. Unset: the one that ./start.sh started from this folder, else http://localhost:8900.
-k: take any certificate. API_KEY is sent if it is set. Exit code 0: all passed; 1: something failed; 2: no answer, or a wrong argument.
END
}

# started_here: the address of the instance that start.sh wrote down last; of several, the one that was started last.
started_here() {
  local file
  # shellcheck disable=SC2012  # the names are numbers of ports
  file=$(ls -t "$(dirname "${BASH_SOURCE[0]}")"/.run/*.pid 2>/dev/null | head -n 1)
  [ -z "$file" ] || sed -n 3p "$file"
}

certificate=()
[ "${1:-}" = -k ] && certificate=(-k) && shift
case ${1:-} in
  -h | --help) usage && exit ;;
  -*)
    printf 'Unknown option %s; see ./test_api.sh --help\n' "$1" >&2
    exit 2
    ;;
esac
base=${1:-$(started_here)}
base=${base:-http://localhost:8900}
base=${base%/}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
key=()
[ -n "${API_KEY:-}" ] && key=(-H "Authorization: Bearer $API_KEY")

# call NAME EXPECTED_STATUS METHOD PATH [JSON]: the body lands in $work/body, the headers in $work/headers
call() {
  local name=$1 expected=$2 method=$3 path=$4 json=${5:-} status
  local body=()
  [ -n "$json" ] && body=(-H 'Content-Type: application/json' --data-raw "$json")
  : >"$work/body"
  status=$(curl -sS ${certificate[@]+"${certificate[@]}"} --max-time 300 -X "$method" ${key[@]+"${key[@]}"} ${body[@]+"${body[@]}"} -D "$work/headers" -o "$work/body" \
    -w '%{http_code}' "$base$path" 2>"$work/error") || status="no answer ($(tr -d '\n' <"$work/error"))"
  [ "$status" = "$expected" ] && return 0
  fail "$name" "$method $path answered $status, not $expected: $(head -c 300 "$work/body" | tr -d '\0\n')"
  return 1
}

pass() {
  passed=$((passed + 1))
  printf 'ok      %s\n' "$1"
}
fail() {
  failed=$((failed + 1))
  printf 'FAILED  %s: %s\n' "$1" "$2"
}

# expect NAME COMMAND...: pass if the command succeeds
expect() {
  local name=$1
  shift
  if "$@"; then pass "$name"; else fail "$name" "the answer is not as it should be: $(head -c 200 "$work/body" | tr -d '\0\n')"; fi
}

body_has() { grep -q -- "$1" "$work/body"; }
header_has() { grep -qi -- "$1" "$work/headers"; }
begins_with() { [ "$(head -c "${#1}" "$work/body" | tr -d '\0')" = "$1" ]; }
longer_than() { [ "$(wc -c <"$work/body")" -gt "$1" ]; }
is_wav() { begins_with RIFF && longer_than 20000; }
is_mp3() { [ "$(head -c 1 "$work/body" | od -An -tx1 | tr -d ' ')" = ff ] && longer_than 5000; }

if ! curl -sS ${certificate[@]+"${certificate[@]}"} --max-time 10 -o /dev/null "$base/health" 2>"$work/error"; then
  printf 'no answer from %s: %s\n' "$base" "$(cat "$work/error")" >&2
  exit 2
fi

text='The quick brown fox jumps over the lazy dog.'
call health 200 GET /health && expect health body_has '"service":"kyutai-tts"'
call ready 200 GET /ready && expect ready body_has '"ready":true'
call status 200 GET /api/gpu/status && expect status body_has '"state"'
call voices 200 GET /api/voices && expect voices body_has '"id"'
call formats 200 GET /api/formats && expect formats body_has '"mp3"'
call 'speech, wav' 200 POST /api/tts "{\"text\": \"$text\"}" && expect 'speech, wav' is_wav
call 'speech, mp3' 200 POST /api/tts "{\"text\": \"$text\", \"format\": \"mp3\"}" && expect 'speech, mp3' is_mp3
call 'streaming' 200 POST /api/tts/stream "{\"text\": \"$text\"}" && is_stream=1 || is_stream=0
if [ "$is_stream" = 1 ]; then
  if header_has '^content-length:'; then fail streaming 'it came whole, with a Content-Length'; else expect streaming is_wav; fi
fi
call events 200 POST /api/tts '{"text": "One two.", "stream_format": "sse"}' && expect events body_has 'event: done'
call 'OpenAI, speech' 200 POST /v1/audio/speech "{\"model\": \"tts-1\", \"voice\": \"alloy\", \"input\": \"$text\"}" &&
  expect 'OpenAI, speech' is_mp3
call 'OpenAI, models' 200 GET /v1/models && expect 'OpenAI, models' body_has '"tts-1"'
call 'no text' 400 POST /api/tts '{"text": ""}' && expect 'no text' body_has '"param":"text"'
call 'no such format' 400 POST /api/tts '{"text": "Hi.", "format": "midi"}' && expect 'no such format' body_has '"param":"format"'
call 'no such voice' 404 POST /api/tts '{"text": "Hi.", "voice": "../../etc/passwd"}' &&
  expect 'no such voice' body_has '"code":"voice_not_found"'
call 'no JSON' 400 POST /api/tts '{' && expect 'no JSON' body_has '"error"'
call 'no such path' 404 GET /api/nothing && expect 'no such path' body_has '"error"'
call document 200 GET /openapi.json && expect document body_has '"3.1.0"'
call metrics 200 GET /metrics && expect metrics body_has '^tts_requests_total'
call release 200 POST /api/gpu/offload '{}' && expect release body_has '"released"'
call 'speech after release' 200 POST /api/tts '{"text": "Still here."}' && expect 'speech after release' is_wav

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
