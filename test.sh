#!/usr/bin/env bash
# Sets up everything that the tests need, runs the linters and all tests, and says at the end what failed and what was
# left out. See --help.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VENV=${VENV:-$ROOT/.venv}
[[ $VENV == /* ]] || VENV=$PWD/$VENV

export LOCKED=${LOCKED:-0} # what is new breaks here first, and not with those who install

# shellcheck source=scripts/common.sh
. "$ROOT/scripts/common.sh"
# shellcheck source=scripts/python.sh
. "$ROOT/scripts/python.sh"
# shellcheck source=scripts/gpu.sh
. "$ROOT/scripts/gpu.sh"
# shellcheck source=scripts/docker.sh
. "$ROOT/scripts/docker.sh"

usage() {
  cat <<'END'
Usage: ./test.sh [--core] [--all | --quick | --lint | PYTEST ARGUMENTS]

  (nothing)   linters and all tests but those marked slow
  --all       linters and all tests
  --quick     linters and the tests that need no browser and are not slow; installs no system packages
  --lint      only the linters
  --core      without torch, with any of these: installs far less, leaves out the tests that need torch, says how many
  PATH ...    only pytest, with these arguments: ./test.sh tests/web -k health

VENV names another virtual environment than .venv, PYTHON the Python to make it with. Where there is no NVIDIA GPU a
CPU build of torch is installed (PIP_FIND_LINKS is honoured). Tests of the page need Chromium and chromedriver: as root
on Debian they are installed, elsewhere those tests are left out, and the last lines say so; so are those in Firefox
where firefox-esr, pulseaudio or geckodriver is missing. HAProxy and docker compose, which check the files of the deployment, are
fetched into .run there.
END
}

results=()  # one line for each stage
left_out=() # what this machine could not run
failed=''

main() {
  local mode=usual core=''
  if [[ ${1:-} == --core ]]; then core=yes && shift; fi
  case ${1:-} in
    -h | --help) usage && exit ;;
    --all | --quick | --lint) mode=${1#--} && shift ;;
    ?*) mode=some ;;
  esac
  cd "$ROOT"
  set_up
  [[ $mode == some ]] || lint
  [[ $mode == lint ]] || run_tests "$@"
  [[ $mode != all && $mode != usual ]] || stage 'locked' locked_speaks
  [[ $mode != all && $mode != usual ]] || audit
  summarise
  [[ -z $failed ]]
}

set_up() {
  make_venv
  if [[ $core ]]; then
    install requirements/dev-core.txt
  elif have_gpu; then
    install requirements/dev.txt
  else
    install requirements/dev.txt requirements/cpu-overrides.txt
  fi
  results+=("$(printf '%-14s %-6s %4d s' 'set up' ok "$SECONDS")")
  PATH=$VENV/bin:$PATH
  export NO_TORCH_COMPILE=1 # compiling costs 20 s at the first steps and gains nothing on models of test size
}

lint() {
  local -a scripts
  mapfile -t scripts < <(shell_scripts)
  stage 'ruff check' ruff check .
  stage 'ruff format' ruff format --check .
  if [[ $core ]]; then
    left_out+=('mypy: it reads the types of torch')
  else
    stage 'mypy' mypy
    stage 'mypy scripts' mypy --strict --explicit-package-bases scripts tests/scripts tests/deploy
  fi
  stage 'shellcheck' shellcheck -x "${scripts[@]}"
  stage 'shfmt' shfmt -i 2 -ci -d "${scripts[@]}"
  lint_deployment
}

# lint_deployment: what the wheels bring always, what the machine has where it has it.
lint_deployment() {
  local -a compose_files=(docker-compose.yml deploy/haproxy/docker-compose.yml) compose_command=()
  fetch_checkers
  stage 'hadolint' hadolint Dockerfile
  stage 'compose schema' check-jsonschema -q --builtin-schema vendor.compose-spec "${compose_files[@]}"
  stage 'kubernetes' kubernetes_valid
  if have haproxy; then
    stage 'haproxy' haproxy_accepts
  else
    left_out+=('haproxy -c: no haproxy (Debian: apt install haproxy)')
  fi
  if find_compose; then
    stage 'compose config' compose_accepts "${compose_files[@]}"
  else
    left_out+=('docker compose config: no docker compose')
  fi
}

# kubernetes_valid: strict, because the schema alone lets misspelt names pass. Kustomization is no kind of the cluster's.
kubernetes_valid() {
  find deploy/kubernetes -name '*.yaml' ! -name kustomization.yaml -exec kubernetes-validate --strict --quiet {} + || return
  if have kubectl; then
    kubectl kustomize deploy/kubernetes | kubernetes-validate --strict --quiet -
  else
    left_out+=('kubectl kustomize: no kubectl')
  fi
}

haproxy_accepts() {
  local config
  config=$(mktemp)
  deploy/haproxy/config.sh 127.0.0.1:8901 127.0.0.1:8902 >"$config" && haproxy -c -f "$config"
  local code=$?
  rm -f "$config"
  return "$code"
}

compose_accepts() {
  local file
  for file in "$@"; do
    compose lint "$ROOT/$file" --profile cpu config -q || return
  done
}

# fetch_checkers: HAProxy and docker compose, where they lack and can be had.
fetch_checkers() {
  local folder=$ROOT/.run/checkers
  [[ ! -x $folder/bin/haproxy ]] || PATH=$folder/bin:$PATH
  may_install || return 0
  if have haproxy && find_compose; then return; fi
  say 'Fetching HAProxy and docker compose into .run, to check files with'
  if deploy/checkers.sh "$folder"; then PATH=$folder/bin:$PATH; fi
}

# may_install: whether system packages may be installed for the tests.
may_install() {
  [[ ($mode == all || $mode == usual) && $EUID == 0 ]] && have apt-get
}

shell_scripts() {
  printf '%s\n' .ci/run say
  find . \( -name '.?*' -o -name node_modules -o -path "./${VENV#"$ROOT/"}" \) -prune -o -name '*.sh' -print | sort
}

run_tests() {
  local -a command=(pytest) without=()
  if [[ $mode == quick ]]; then
    without+=(browser firefox)
    left_out+=('tests marked browser or firefox: --quick')
  elif ! browser_there; then
    without+=(browser)
    left_out+=('tests marked browser: no chromium, chromedriver, npm or axe-core (Debian: apt install chromium chromium-driver npm)')
  fi
  if [[ $mode != quick ]] && ! firefox_there; then
    without+=(firefox)
    left_out+=('tests marked firefox: no firefox-esr, pulseaudio or geckodriver (CONTRIBUTING.md)')
  fi
  if ! have npm || (($(node -p 'process.versions.node.split(".")[0]') < 20)); then
    without+=(node)
    left_out+=('tests marked node: no npm of Node 20 or later')
  fi
  if [[ $mode == usual || $mode == quick ]]; then
    without+=(slow)
    left_out+=('tests marked slow: --all runs them')
  fi
  if [[ $core ]]; then
    command+=(--core)
    left_out+=('tests that need torch: --core; pytest tells above how many')
  fi
  if ((${#without[@]})); then
    command+=(-m "$(printf ' and not %s' "${without[@]}" | cut -c6-)")
  fi
  # Much of a test's time is waiting: two at once. A file stays together, its fixtures are dear.
  [[ $mode == some ]] || export PYTEST_ADDOPTS="-n 2 --dist loadfile ${PYTEST_ADDOPTS:-}"
  stage 'pytest' "${command[@]}" "$@"
}

# audit: advisories about what is installed. They come on days of their own, so they are shown and fail nothing. Without
# a report the source of advisories was not reached: pip-audit's exit code is the same for both.
audit() {
  local begin=$SECONDS outcome=ok report
  report=$(mktemp)
  say '== pip-audit'
  pip-audit --local --progress-spinner off --timeout 15 --format columns --output "$report" || outcome=ADVICE
  if [[ $outcome == ADVICE && ! -s $report ]]; then
    left_out+=('pip-audit: the source of advisories cannot be reached')
  else
    cat "$report"
    results+=("$(printf '%-14s %-6s %4d s' pip-audit "$outcome" $((SECONDS - begin)))")
  fi
  rm -f "$report"
}

# locked_speaks: the tests ran with the newest versions that the ranges allow; the locked ones must speak as well.
locked_speaks() (
  VENV=$ROOT/.run/locked LOCKED=1
  mkdir -p "$ROOT/.run"
  make_venv && install requirements/core.txt && "$VENV/bin/python" -m tests.smoke
)

# browser_there: whether the page can be tested, after trying to make it so.
browser_there() {
  if ! have chromium || ! have chromedriver || ! have npm; then
    install_browser || return 1
  fi
  [[ -d tests/page/node_modules/axe-core ]] || npm install --prefix tests/page --no-package-lock --silent >/dev/null
}

# firefox_there: whether the page can be tested in Firefox, too. Nothing is installed for that.
firefox_there() { have geckodriver && have pulseaudio && { have firefox-esr || have firefox; }; }

install_browser() {
  may_install || return 1
  say 'Installing Chromium, and npm for axe-core, for the tests of the page'
  apt-get -qq update || return 1
  have npm || apt_install npm || return 1
  { have chromium && have chromedriver; } || install_chromium || return 1
  have chromium && have chromedriver && have npm
}

# install_chromium: the newest, else the next older one that the archives have. Debian's security archive may offer one
# whose libraries its main archive does not hold yet; apt then refuses it ("held broken packages").
install_chromium() {
  local version
  apt_install chromium chromium-driver && return
  while read -r version; do
    say "apt cannot install the newest Chromium; trying $version"
    apt_install chromium{,-common,-driver}="$version" && return
  done < <(apt-cache madison chromium | awk '{ print $3 }' | sort -rVu | tail -n +2)
  return 1
}

apt_install() { DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null; }

# stage NAME COMMAND...: runs it, notes how it went, and never ends the script: one failure must not hide the next.
stage() {
  local name=$1 begin=$SECONDS outcome=ok
  shift
  say "== $name"
  "$@" || outcome=FAILED
  [[ $outcome == ok ]] || failed=yes
  results+=("$(printf '%-14s %-6s %4d s' "$name" "$outcome" $((SECONDS - begin)))")
}

summarise() {
  say '== summary'
  printf '%s\n' "${results[@]}"
  ((${#left_out[@]} == 0)) || printf 'LEFT OUT: %s\n' "${left_out[@]}"
  if [[ $failed ]]; then say FAILED; else say passed; fi
}

main "$@"
