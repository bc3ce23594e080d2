#!/usr/bin/env bash
# What the engines need, read from the rows of speech/engines. Sourced; needs common.sh, python.sh, gpu.sh, PROBE_PYTHON
# and ENGINE.

# find_probe_python: sets PROBE_PYTHON, which runs what bash cannot do; false where there is none.
find_probe_python() { PROBE_PYTHON=$(usable_python) || PROBE_PYTHON=$(any_python); }

engines() { "$PROBE_PYTHON" -I -B "$ROOT/scripts/engines.py" "$@"; }

# check_engine: ends here when ENGINE names none.
check_engine() { engines check "$ENGINE" || exit 1; }

# wants_gpu: whether ENGINE and DEVICE leave it open to use one.
wants_gpu() { [[ $(setting DEVICE) != cpu ]] && engines gpu "$ENGINE"; }

gpu_usable() { have_gpu && ! gpus_hidden; }

# install_dependencies: those of the engine that will speak, and no more.
install_dependencies() {
  local gpu=no cost
  local -a place files
  ! { wants_gpu && gpu_usable; } || gpu=yes
  place=("$ENGINE" "$(setting DEVICE auto)" "$gpu")
  if [[ $ENGINE == auto && $gpu == no ]] && wants_gpu; then
    say "No NVIDIA GPU can be used (nvidia-smi lists none, or all are hidden). What speaks: $(engines label "${place[@]}")."
  fi
  mapfile -t files < <(engines packages "${place[@]}")
  cost=$(engines cost "${place[@]}")
  INSTALL_COST=$cost install "${files[@]}"
}
