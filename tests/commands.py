"""What runs each command of a guide's block that no test marks, or why nothing does.

A block after `<!-- test: KIND -->` is run as it stands; every command of the others has a row here. Rows of BY_TESTS
and NOT_RUN are regular expressions for the whole command, without its comment.
"""

from __future__ import annotations

import re

# In a fresh clone (tests/test_first_minutes.py). What starts the service is followed by a look at /health.
IN_A_CLONE = (
    "./verify_deployment.sh",
    "cp .env.example .env",
    "./start.sh",
    "./start.sh --local",
    "./start.sh --engine hibari",
    "./start.sh --port 8901",
    "GPU_IDLE_TIMEOUT=-1 ./start.sh",
    "HF_HUB_OFFLINE=true ./start.sh",
    "WYOMING_PORT=10200 WYOMING_HOST=0.0.0.0 ./start.sh",
    "./stop.sh && ./start.sh",
    "./stop.sh --port 8901",
    "./stop.sh --now",
    "./stop.sh",
    './say "Good evening."',
    'echo "Good evening." | ./say',
    "./say -o chapter.mp3 < chapter.txt",
    "./say --list",
    './say --voice alloy --speed 1.2 --language en "One moment, please."',
    'make || ./say "The build has failed."',
    'for file in *.txt; do ./say -o "${file%.txt}.mp3" <"$file"; done',
    ".venv/bin/python mcp_server.py </dev/null",
    "deploy/haproxy/config.sh --jobs jobs:8990 one:8900 two:8900 three:8900 >haproxy.cfg",
    "deploy/haproxy/config.sh --slots 32 10.0.0.11:8900 10.0.0.12:8900 >haproxy.cfg",
)

BY_TESTS = {
    r"\./start\.sh --docker": "tests/scripts/test_containers.py::test_docker_without_a_gpu_runs_the_embedded_voice",
    r"\./start\.sh --build": "tests/scripts/test_containers.py::test_the_image_is_made_anew_when_that_is_asked_for",
    r"(JOB_WORKERS=\S+ )?\./start\.sh --gpus (all|0,2)": (
        "tests/scripts/test_containers.py::test_an_instance_for_each_gpu_behind_one_balancer"
    ),
    r"\./start\.sh --systemd": "tests/scripts/test_systemd.py::test_a_unit_of_the_user_is_written_and_told_of",
    r"\./start\.sh --foreground": "tests/scripts/test_start.py::test_in_the_foreground_it_is_the_service_itself",
    r"CUDA_VISIBLE_DEVICES=1 \./start\.sh": "tests/scripts/test_gpu.py::test_the_users_choice_wins",
    r"PIP_INDEX_URL=\S+ HF_ENDPOINT=\S+ \./start\.sh": (
        "tests/scripts/test_install.py::test_uv_is_told_what_pip_was_told"
    ),
    r"\./verify_deployment\.sh --docker": (
        "tests/scripts/test_verify.py::test_docker_in_trouble_is_explained_and_counts_where_it_was_asked_for"
    ),
    r'KYUTAI_TTS_URL=http://HOST:8900 \./say -v alloy "Dinner\."': (
        "tests/cli/test_say.py::test_the_named_service_and_no_other"
    ),
    r'(llm "Tell me a story\."|xclip -o) \| \./say': "tests/cli/test_say.py::test_a_pipe_is_said_while_it_is_written",
    r"KYUTAI_TTS_MCP_TOKEN=.* mcp_server\.py --http .*": "tests/assistant/test_over_http.py::test_speech_over_http",
    r"claude mcp add kyutai-tts .*": "tests/assistant/test_guide.py::test_the_configurations_start_a_server",
    r"\.venv/bin/python -m speech\.engines\.\w+\.prefetch.*": (
        "tests/test_commands.py::test_prefetching_has_the_options_that_are_shown"
    ),
}

NOT_RUN = {
    r"git pull": "nothing newer stands where the clone comes from",
    r"git clone \S+ kyutai-tts && cd kyutai-tts": "tests/test_first_minutes.py clones the working copy",
    r"\./test\.sh( --quick)?": "runs these tests",
    r"(\w+=\S+ )*docker (compose )?(up|down|build|run|save|load|volume|logs|--profile) ?.*": (
        "needs Docker Engine: deploy/verify_docker.sh builds and runs the images"
    ),
    r"kubectl apply -k deploy/kubernetes": "needs a cluster; tests/deploy checks the files",
    r"MODEL_DIR=\S+ VOICES_DIR=\S+ HF_HUB_OFFLINE=true \./start\.sh": "needs the weights of Kyutai TTS 1.6B",
    r"tar -C ~/\.cache/huggingface .*": "would pack the user's own models",
    r"sudo .*": "needs root",
    r"python3 -m pip install --user uv && .*": "changes the user's home, and fetches a Python",
    r"python3 -m venv carry && .*": "fetches from the package index; tried by hand on Debian 12",
    r"carry/bin/pip wheel .*": "several GB; tried by hand with requirements/core.txt on Debian 12",
    r"PIP_NO_INDEX=1 PIP_FIND_LINKS=\$PWD/wheels \./start\.sh": "needs those wheels; tried by hand on Debian 12",
    r"claude mcp add --transport http .*": "needs Claude Code",
    r"openapi-python-client generate .*": "fetches that package; tried by hand with 0.29.1",
    r"uv venv corpus && .*": "fetches Ray, 0.2 GB; tried by hand with Ray 2.60",
    r"corpus/bin/python examples/corpus_ray\.py .*": "needs Ray; tried by hand with Ray 2.60",
}

# Blocks of Python by their first line.
PYTHON_NOT_RUN = {
    "from pipecat.services.openai.tts import OpenAITTSService": "tried by hand with the version that the guide names",
    "from livekit.plugins import openai": "tried by hand with the version that the guide names",
    "import asyncio": "tests/web/wyoming/test_live.py speaks with that library",
}


def rows_for(command: str) -> list[str]:
    """The rows that say what becomes of a command; one, if all is well."""
    patterns = [*BY_TESTS, *NOT_RUN]
    return [row for row in IN_A_CLONE if row == command] + [row for row in patterns if re.fullmatch(row, command)]
