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

# place: what ENGINE, DEVICE and the GPUs are, as scripts/engines.py asks for them.
place() {
  local gpu=no
  ! { wants_gpu && gpu_usable; } || gpu=yes
  printf '%s\n' "$ENGINE" "$(setting DEVICE auto)" "$gpu"
}

# check_machine: ends here, before anything is installed, when what the engine needs cannot be had.
check_machine() {
  local -a here
  mapfile -t here < <(place)
  engines fits "${here[@]}" || exit 1
}

# install_dependencies: those of the engine that will speak, and no more.
install_dependencies() {
  local cost
  local -a here files
  mapfile -t here < <(place)
  if [[ $ENGINE == auto && ${here[2]} == no ]] && wants_gpu; then
    say "No NVIDIA GPU can be used (nvidia-smi lists none, or all are hidden). What speaks: $(engines label "${here[@]}")."
  fi
  mapfile -t files < <(engines packages "${here[@]}")
  cost=$(engines cost "${here[@]}")
  INSTALL_COST=$cost install "${files[@]}"
  [[ -z $(wyoming_port) ]] || install requirements/wyoming.txt
}
