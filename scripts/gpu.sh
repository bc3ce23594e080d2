#!/usr/bin/env bash
# Which NVIDIA GPU there is and which one to take. Sourced; needs common.sh, process.sh and docker.sh (for the GPUs that
# our instances have).

# ask_nvidia_smi ARGUMENTS: its answer, or nothing where it is missing, broken or hangs (a driver in trouble does that).
ask_nvidia_smi() {
  have nvidia-smi || return 0
  local -a limit=()
  have timeout && limit=(timeout 20)
  "${limit[@]}" nvidia-smi "$@" 2>/dev/null || true
}

have_gpu() { [[ $(ask_nvidia_smi -L) == *'GPU '* ]]; }

# gpus_hidden: whether a variable says that none of them is to be used.
gpus_hidden() { [[ -n ${CUDA_VISIBLE_DEVICES+set} && ${CUDA_VISIBLE_DEVICES} =~ ^(-1)?$ ]]; }

# least_used_gpu TAKEN...: prints the index of the GPU to use, or nothing when none tells its memory. One that no
# instance of ours has (TAKEN: their indexes) before one that some have; then the least memory in use; then the lower
# index. An instance loads its model on the first request, so that memory alone would send two started in a row to the
# same GPU.
least_used_gpu() {
  ask_nvidia_smi --query-gpu=index,memory.used --format=csv,noheader,nounits |
    awk -F '[ \t]*,[ \t]*' -v taken="$*" '
      function better(uses, memory, gpu) {
        if (best == "" || uses != fewest) return best == "" || uses < fewest
        return memory != least ? memory < least : gpu < best
      }
      BEGIN { count = split(taken, list, " "); for (i = 1; i <= count; i++) uses[list[i]]++ }
      $1 !~ /^[0-9]+$/ || $2 !~ /^[0-9]+[ \t\r]*$/ { next } # [N/A] and the like
      better(uses[$1] + 0, $2 + 0, $1 + 0) { fewest = uses[$1] + 0; least = $2 + 0; best = $1 + 0 }
      END { if (best != "") print best }'
}

# gpus_exist LIST: whether every index in 0,1,... is one that the driver lists.
gpus_exist() {
  local index listed
  listed=" $(ask_nvidia_smi --query-gpu=index --format=csv,noheader | tr '\n' ' ') "
  for index in ${1//,/ }; do
    [[ $listed == *" $index "* ]] || return 1
  done
}

# choose_gpu: exports CUDA_VISIBLE_DEVICES, unless the user chose: by that variable, by DEVICE=cuda:N, or by
# NVIDIA_VISIBLE_DEVICES as for a container. There the last one has been acted upon already and its numbers are not
# ours, so numbers that do not exist are passed over.
choose_gpu() {
  [[ -n ${CUDA_VISIBLE_DEVICES+set} || $(setting DEVICE) == cuda:* ]] && return
  local wanted gpu
  wanted=$(setting CUDA_VISIBLE_DEVICES "$(setting NVIDIA_VISIBLE_DEVICES)")
  case $wanted in
    none | void) gpu='' ;;
    '' | all) gpu=$(free_gpu) || return 0 ;;
    GPU-* | MIG-*) gpu=$wanted ;;
    *) if gpus_exist "$wanted"; then gpu=$wanted; else gpu=$(free_gpu) || return 0; fi ;;
  esac
  # nvidia-smi counts in the order of the bus; CUDA does so only when told.
  export CUDA_VISIBLE_DEVICES="$gpu" CUDA_DEVICE_ORDER=PCI_BUS_ID
}

free_gpu() {
  local gpu
  # shellcheck disable=SC2046  # a list of numbers
  gpu=$(least_used_gpu $(gpus_of_instances) $(gpus_of_containers))
  [[ -n $gpu ]] && printf '%s' "$gpu"
}
