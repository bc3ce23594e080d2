#!/usr/bin/env bash
# The service in containers: one compose project for each port, tts-PORT, and one for each balancer. What runs is asked of
# the engine, by the labels that compose leaves; nothing is written down. Sourced; needs common.sh and gpu.sh.

ENGINE_PATIENCE_S=20 # an engine that hangs is as good as none

# ask_docker ARGUMENTS: docker's answer, or nothing where it is missing, out of reach or hangs.
ask_docker() {
  have docker || return 0
  local -a limit=()
  have timeout && limit=(timeout "$ENGINE_PATIENCE_S")
  "${limit[@]}" docker "$@" 2>/dev/null || true
}

docker_answers() { [[ -n $(ask_docker version --format '{{.Server.Version}}') ]]; }

# nvidia_runtime: whether the engine can hand a GPU to a container: its runtime is registered, or the hook that the
# engine calls by itself is there.
nvidia_runtime() {
  have nvidia-container-runtime-hook || [[ $(ask_docker info --format '{{json .Runtimes}}') == *'"nvidia"'* ]]
}

# find_compose: sets compose_command; false when there is none.
find_compose() {
  if [[ -n $(ask_docker compose version --short) ]]; then
    compose_command=(docker compose)
  elif [[ -n $(docker-compose version --short 2>/dev/null) ]]; then
    compose_command=(docker-compose)
  else
    return 1
  fi
}

# compose PROJECT FILE ARGUMENTS: docker-compose 1 knows no `name:`, and needs none because it is given one.
compose() {
  local project=$1 file=$2
  shift 2
  if [[ ${compose_command[0]} == docker-compose && $(docker-compose version --short 2>/dev/null) == 1.* ]]; then
    sed '/^name:/d' "$file" | docker-compose -p "$project" --project-directory "${file%/*}" -f - "$@"
  else
    "${compose_command[@]}" -p "$project" -f "$file" "$@"
  fi
}

# our_containers FILTER...: ids of what was started from this folder, running or not.
our_containers() {
  local -a filters=(--filter "label=com.docker.compose.project.working_dir=$ROOT")
  local filter
  for filter in "$@"; do
    filters+=(--filter "$filter")
  done
  ask_docker ps --quiet --all "${filters[@]}"
}

# instances_on PORT: ids of the instance with that port, or of all instances behind the balancer that has it.
instances_on() {
  our_containers "label=com.docker.compose.project=tts-$1"
  our_containers "label=kyutai-tts.balancer=$1"
}

balancers_on() { all_balancers --filter "label=kyutai-tts.balancer=$1"; }

# all_balancers FILTER...: ids of the balancers before our instances.
all_balancers() {
  ask_docker ps --quiet --all --filter "label=com.docker.compose.project.working_dir=$ROOT/deploy/haproxy" "$@"
}

# networks_of ID...: ids of the networks that compose made for them.
networks_of() {
  (($#)) || return 0
  ask_docker inspect --format '{{index .Config.Labels "com.docker.compose.project"}}' "$@" | sort -u |
    while read -r project; do
      ask_docker network ls --quiet --filter "label=com.docker.compose.project=$project"
    done
}

# gpus_of_containers: the numbers that running instances have, of this folder or another.
gpus_of_containers() {
  local ids
  ids=$(ask_docker ps --quiet --filter label=com.docker.compose.service=tts)
  [[ -n $ids ]] || return 0
  # shellcheck disable=SC2086  # a list of ids
  ask_docker inspect --format '{{range .HostConfig.DeviceRequests}}{{range .DeviceIDs}}{{println .}}{{end}}{{end}}' $ids |
    tr ',' '\n' | grep -E '^[0-9]+$' || true
}

# explained TEXT: what an engine's message means, for the ones that people meet.
explained() {
  case $1 in
    *'could not select device driver'* | *'unknown or invalid runtime name: nvidia'* | *'unresolvable CDI devices'*)
      printf '%s\n' 'The engine does not know NVIDIA GPUs: the NVIDIA Container Toolkit is missing or not set up.' \
        'Install nvidia-container-toolkit, then: sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker'
      ;;
    *'nvidia-container-cli'*'driver'* | *'libnvidia-ml.so'*)
      echo "The toolkit is there, but NVIDIA's driver is not, or it is broken. Try nvidia-smi; after an update, reboot."
      ;;
    *'unsatisfied condition: cuda'*)
      echo "NVIDIA's driver is too old for the CUDA of the image. Update the driver, or build with an older BASE_IMAGE."
      ;;
    *'unknown device'* | *'no such device'*)
      echo 'There is no GPU with that number; nvidia-smi -L lists them.'
      ;;
    *'permission denied'*docker*sock* | *docker*sock*'permission denied'*)
      # shellcheck disable=SC2016  # to be typed as it is
      echo 'You may not talk to the engine: sudo usermod -aG docker "$USER", then log in again.'
      ;;
    *'Cannot connect to the Docker daemon'* | *'failed to connect to the docker API'*)
      echo 'The engine does not run: sudo systemctl start docker'
      ;;
    *'requires BuildKit'* | *'buildx component is missing'*)
      echo 'The builder is missing: install docker-buildx-plugin (docker-buildx on Debian and Ubuntu).'
      ;;
    *'port is already allocated'* | *'address already in use'*)
      echo 'Another program has the port; choose another: --port N'
      ;;
    *) return 1 ;;
  esac
}
