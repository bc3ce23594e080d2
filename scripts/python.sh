#!/usr/bin/env bash
# Finds a Python, makes the virtual environment, installs requirements into it. Sourced; needs common.sh, ROOT and VENV.

readonly SUITABLE='import sys; (3, 11) <= sys.version_info[:2] < (3, 15) or sys.exit(1)'

# find_python: prints the path of a Python 3.11 to 3.14; the newest last, which Kyutai's packages do not take. Each one is
# run, because a name on PATH may be a shim that leads nowhere. One that uv has brought need not be on PATH.
find_python() {
  local candidate
  local -a candidates=(python3.13 python3.12 python3.11 python3.14 python3 python)
  [[ -n ${PYTHON:-} ]] && candidates=("$PYTHON")
  for candidate in "${candidates[@]}"; do
    if "$candidate" -c "$SUITABLE" >/dev/null 2>&1; then
      command -v "$candidate"
      return
    fi
  done
  [[ -z ${PYTHON:-} ]] && have uv && uv python find --no-python-downloads '>=3.11,<3.15' 2>/dev/null | grep .
}

# usable_python: prints the one in VENV, else one that VENV can be made with.
usable_python() {
  if venv_works; then
    printf '%s\n' "$VENV/bin/python"
  else
    find_python
  fi
}

# any_python: one that can run probe.py, where the service itself runs in a container.
any_python() { python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null && command -v python3; }

no_python() {
  local asked=''
  [[ -n ${PYTHON:-} ]] && asked="PYTHON=$PYTHON is not one. "
  die "${asked}Python 3.11, 3.12, 3.13 or 3.14 is needed and was not found. To get one:
  Debian 12, Ubuntu 24.04 and newer:  sudo apt install python3 python3-venv
  Fedora, Red Hat 8 and 9:            sudo dnf install python3.12
  macOS:                              brew install python@3.13
  any other, without root, by uv:     python3 -m pip install --user uv && python3 -m uv python install 3.13
and start again. Or name one: PYTHON=/path/to/python3.13 $0"
}

venv_works() { [[ -x $VENV/bin/python ]] && "$VENV/bin/python" -c "$SUITABLE" >/dev/null 2>&1; }

# make_venv: does nothing when VENV is there and its Python runs. PYTHON names the Python to make it with.
make_venv() {
  venv_works && return
  local python
  python=$(find_python) || no_python
  [[ ! -e $VENV || -f $VENV/pyvenv.cfg ]] ||
    die "$VENV is there and is not a virtual environment. Move it away, or name another: VENV=..."
  say "Making $VENV with $("$python" -V)"
  if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$python" -m venv --clear "$VENV"
  elif have uv; then
    uv venv --quiet --clear --python "$python" "$VENV"
  else
    die "This Python cannot make virtual environments: its venv module is missing.
  Debian, Ubuntu:  sudo apt install python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
  or with uv on PATH no venv module is needed."
  fi
}

# install FILE [OVERRIDES]: FILE's requirements into VENV; nothing when neither has changed since the last time.
# INSTALL_COST is told to people beforehand.
install() {
  local file=$1 overrides=${2:-} stamp state
  stamp="$VENV/.installed-$(basename "$file")"
  state=$(installed_state "$overrides")
  [[ -f $stamp && $(<"$stamp") == "$state" ]] && return
  rm -f "$stamp"
  say "Installing $file into $VENV (once; ${INSTALL_COST:-minutes on a slow line})"
  mend_pip
  install_with_uv "$file" "$overrides" || install_with_pip "$file" ||
    die "The requirements could not be installed; the reason is above.
Behind a mirror set PIP_INDEX_URL, for wheels in a folder PIP_FIND_LINKS. A mirror that lacks a version of
requirements/lock.txt: LOCKED=0 takes the newest that the ranges allow."
  printf '%s\n' "$state" >"$stamp"
}

# mend_pip: a first start that was interrupted leaves an environment whose pip is incomplete.
mend_pip() {
  have uv || "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || "$VENV/bin/python" -m ensurepip >/dev/null 2>&1 || true
}

# installed_state OVERRIDES: changes whenever an install would do something else.
installed_state() {
  printf '%s %s %s' "$(basename "$1")" "$(locked && echo locked)" "$(cat "$ROOT"/requirements{,/*}.txt "$VENV/pyvenv.cfg" 2>/dev/null | cksum)"
}

# locked: whether the versions of requirements/lock.txt are installed, and no others. Wheels that were carried over are
# of the versions that they are.
locked() { [[ ${LOCKED:-$([[ ${PIP_NO_INDEX:-0} == 0 ]] && echo 1 || echo 0)} != 0 ]]; }

# lock_without PATTERN [hashes]: prints the path of a copy of the lock without the packages whose names match, and
# without hashes.
lock_without() {
  awk -v pattern="^($1)==" -v hashes="${2:-}" '
    /^[^ ]/ { kept = $0 !~ pattern; if (hashes) sub(/ *\\$/, "") }
    kept && !(hashes && /^ /)' "$ROOT/requirements/lock.txt" >"$VENV/.lock.txt"
  printf '%s' "$VENV/.lock.txt"
}

# anything_installed: whether some requirements file is in VENV as it is now; each of them names core.txt.
anything_installed() {
  local stamp state
  state=$(installed_state '')
  for stamp in "$VENV"/.installed-*; do
    [[ -f $stamp && $(<"$stamp") == *"$state" ]] && return
  done
  return 1
}

install_with_uv() {
  local file=$1 overrides=$2 uv link
  uv=$(find_uv) || return 1
  pip_settings_for_uv
  local -a command=("$uv" pip install --python "$VENV/bin/python" -r "$file") links=()
  [[ -t 2 ]] || command+=(--quiet)
  if locked && [[ $overrides ]]; then
    command+=(-c "$(lock_without 'torch|triton|nvidia-[^=]*')") # the override names another torch
  elif locked; then
    command+=(-c "$ROOT/requirements/lock.txt")
  fi
  for link in $(pip_setting find-links); do
    links+=(--find-links "$link")
  done
  if [[ -z $overrides ]]; then
    "${command[@]}" "${links[@]}"
  elif ((${#links[@]})); then
    "${command[@]}" "${links[@]}" --override "$overrides"
  else
    # The small CPU builds of torch lie on an index of their own; without them the big ones run on a CPU too.
    "${command[@]}" --override "$overrides" --torch-backend cpu && return
    say "That index is out of reach; taking the usual build of torch, which brings CUDA along (several GB)."
    "${command[@]}" --override "$overrides"
  fi
}

# install_with_pip FILE: slower, and without overrides: on a machine without a GPU it fetches CUDA for nothing, but
# works.
install_with_pip() {
  "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || return 1
  say "uv is not to be had or failed; installing with pip, which takes longer"
  local -a lock=()
  # pip checks hashes only where every requirement has some
  ! locked || lock=(-c "$(lock_without 'no such package' hashes)")
  "$VENV/bin/python" -m pip install --quiet -r "$1" "${lock[@]}"
}

# find_uv: prints its path: on PATH, in VENV, or fetched into it.
find_uv() {
  command -v uv && return
  [[ -x $VENV/bin/uv ]] || "$VENV/bin/python" -m pip install --quiet uv >&2 || return 1
  printf '%s\n' "$VENV/bin/uv"
}

# pip_setting NAME: from PIP_NAME or pip's own configuration, which uv does not read.
pip_setting() {
  local name="PIP_${1^^}"
  name=${name//-/_}
  printf '%s' "${!name:-$("$VENV/bin/python" -m pip config get "global.$1" 2>/dev/null || true)}"
}

# pip_settings_for_uv: people behind a mirror or a company's certificate have told pip, and need not tell uv as well.
pip_settings_for_uv() {
  local index extra cert
  export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}" # a company's authority stands in the system's store, as pip reads it
  index=$(pip_setting index-url) extra=$(pip_setting extra-index-url) cert=$(pip_setting cert)
  [[ -z $index ]] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
  [[ -z $cert ]] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$cert}"
  if [[ -n $extra && -z ${UV_INDEX:-} ]]; then
    export UV_INDEX="${extra//$'\n'/ }" UV_INDEX_STRATEGY=unsafe-best-match # the best of all indexes, as pip does it
  fi
}
