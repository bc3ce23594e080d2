#!/usr/bin/env bash
# Can the service be started here? Looks at the files, the GPU, Docker, Python and the port, changes nothing, and says for
# everything that is wrong what to do. See --help.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VENV=${VENV:-$ROOT/.venv}

# shellcheck source=scripts/common.sh
. "$ROOT/scripts/common.sh"
# shellcheck source=scripts/python.sh
. "$ROOT/scripts/python.sh"
# shellcheck source=scripts/gpu.sh
. "$ROOT/scripts/gpu.sh"
# shellcheck source=scripts/docker.sh
. "$ROOT/scripts/docker.sh"

FILES=(app.py gpu_manager.py mcp_server.py Dockerfile docker-compose.yml .dockerignore requirements.txt
  requirements/core.txt .env.example mcp_config.json)
SCRIPTS=(start.sh stop.sh test_api.sh verify_deployment.sh)

usage() {
  cat <<'END'
Usage: ./verify_deployment.sh [--docker | --local] [--json]

  --docker    it must be possible in containers, with a GPU
  --local     it must be possible without containers
  (neither)   either will do
  --json      one JSON object on standard output, for programs

Exit code 0: it can be started. 1: it cannot; the lines marked FAIL say why. What only takes something away, a missing
GPU for instance, is a WARN.
END
}

names=() states=() details=()

main() {
  local way='' json=''
  while (($#)); do
    case $1 in
      --docker | --local) way=${1#--} ;;
      --json) json=yes ;;
      -h | --help) usage && exit ;;
      *) die "Unknown option $1; see ./verify_deployment.sh --help" ;;
    esac
    shift
  done
  cd "$ROOT"
  check_files
  check_scripts
  check_gpu
  check_docker
  check_compose
  check_toolkit
  check_python
  check_a_way
  check_port
  if [[ $json ]]; then as_json; else as_text; fi
  [[ " ${states[*]} " != *' fail '* ]]
}

# found NAME STATE DETAIL: STATE is ok, warn or fail.
found() {
  names+=("$1")
  states+=("$2")
  details+=("$3")
}

# needed_for WAY: how bad it is when that is missing, where WAY was asked for.
needed_for() { if [[ $way == "$1" ]]; then printf fail; else printf warn; fi; }

check_files() {
  local file
  local -a missing=()
  for file in "${FILES[@]}" "${SCRIPTS[@]}"; do
    [[ -f $file ]] || missing+=("$file")
  done
  if ((${#missing[@]})); then
    found files fail "missing: ${missing[*]}; fetch the whole repository again (git status shows what is gone)"
  else
    found files ok "all there"
  fi
}

check_scripts() {
  local file
  local -a closed=()
  for file in "${SCRIPTS[@]}"; do
    [[ ! -f $file || -x $file ]] || closed+=("$file")
  done
  if ((${#closed[@]})); then
    found scripts fail "not executable: chmod +x ${closed[*]}"
  else
    found scripts ok "executable"
  fi
}

check_gpu() {
  local count
  if ! have nvidia-smi; then
    found nvidia-smi "$(needed_for docker)" "not found: without an NVIDIA GPU and its driver the embedded voice speaks"
  elif ! have_gpu; then
    found nvidia-smi "$(needed_for docker)" "it is there and lists no GPU; run it to see why (after an update of the driver: reboot)"
  else
    count=$(ask_nvidia_smi -L | grep -c '^GPU ')
    found nvidia-smi ok "$count GPU$( ((count == 1)) || printf s); start.sh would take $(least_used_gpu)"
  fi
}

check_docker() {
  local said
  if ! have docker; then
    found docker "$(needed_for docker)" "not found: https://docs.docker.com/engine/install/"
  elif docker_answers; then
    found docker ok "engine $(ask_docker version --format '{{.Server.Version}}')"
  else
    said=$(timeout "$ENGINE_PATIENCE_S" docker version 2>&1 >/dev/null || true)
    found docker "$(needed_for docker)" "$(explained "$said" || printf 'no engine answers: %s' "${said//$'\n'/ }")"
  fi
}

check_compose() {
  local -a compose_command=()
  local version
  if ! have docker && ! have docker-compose; then
    found compose "$(needed_for docker)" "not found: it comes with Docker"
  elif ! find_compose; then
    found compose "$(needed_for docker)" "none that runs: install docker-compose-plugin (docker-compose-v2 on Ubuntu)"
  else
    version=$("${compose_command[@]}" version --short 2>/dev/null)
    if [[ $version == 1.* ]]; then
      found compose warn "docker-compose $version: start.sh can use it; by hand it needs what the head of docker-compose.yml says"
    else
      found compose ok "${compose_command[*]} $version"
    fi
  fi
}

check_toolkit() {
  if ! docker_answers; then
    return
  elif nvidia_runtime; then
    found toolkit ok "the engine can hand GPUs to containers"
  else
    found toolkit "$(needed_for docker)" "$(explained 'could not select device driver' | tr '\n' ' ')"
  fi
}

check_python() {
  local python
  if python=$(usable_python); then
    found python3 ok "$("$python" -V 2>&1) ($python)"
  else
    found python3 "$(needed_for local)" "no Python 3.11 to 3.14: needed outside containers, and for the MCP server"
  fi
}

# check_a_way: one of the two must be open.
check_a_way() {
  local -a compose_command=()
  local containers=''
  if [[ $(state_of docker) == ok ]] && find_compose; then containers=yes; fi
  if [[ $(state_of python3) != ok ]] && ! any_python >/dev/null && [[ $containers ]]; then
    found start warn "docker compose up -d will do; ./start.sh needs a Python too, 3.8 or newer where it uses containers"
  elif [[ $containers && $(state_of toolkit) == ok ]] && have_gpu; then
    found start ok "./start.sh will use containers"
  elif [[ $(state_of python3) == ok ]]; then
    found start ok "./start.sh will run it outside containers"
  elif [[ $containers ]]; then
    found start ok "./start.sh --docker --engine hibari will run the embedded voice in a container"
  else
    found start fail "neither a usable Docker nor a usable Python: one of them is needed"
  fi
}

state_of() {
  local i
  for i in "${!names[@]}"; do
    [[ ${names[i]} != "$1" ]] || printf '%s' "${states[i]}"
  done
}

check_port() {
  local port host python engine
  port=$(setting PORT 8900) host=$(listen_address)
  python=$(usable_python) || python=$(any_python) || {
    found port warn "nothing here can look at port $port (no Python)"
    return
  }
  if "$python" -I scripts/probe.py port "$host" "$port" >/dev/null 2>&1; then
    found port ok "$port is free"
  elif engine=$("$python" -I scripts/probe.py service "http://127.0.0.1:$port" 2>/dev/null); then
    found port ok "$port has this service already (engine $engine)"
  else
    found port warn "$port cannot be had on $host; start.sh takes the next free one, docker compose needs PORT=N"
  fi
}

as_text() {
  local i
  for i in "${!names[@]}"; do
    printf '%-5s %-11s %s\n' "${states[i]^^}" "${names[i]}" "${details[i]}"
  done
}

as_json() {
  local i ok=true comma=''
  [[ " ${states[*]} " != *' fail '* ]] || ok=false
  printf '{"ok": %s, "checks": [' "$ok"
  for i in "${!names[@]}"; do
    printf '%s\n  {"name": "%s", "state": "%s", "detail": "%s"}' "$comma" "${names[i]}" "${states[i]}" "$(escaped "${details[i]}")"
    comma=,
  done
  printf '\n]}\n'
}

# escaped TEXT: as it stands inside JSON's quotes.
escaped() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//$'\t'/ }
  printf '%s' "${text//[[:cntrl:]]/}"
}

main "$@"
