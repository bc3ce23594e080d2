"""One command for every instrument; each says with --help what else it can be told.

python -m benchmarks                    the list
python -m benchmarks latency --quick
"""

from __future__ import annotations

import runpy
import sys

INSTRUMENTS = {
    "throughput": "many listeners through HTTP against one at a time",
    "latency": "first sound and gaps as listeners come by chance, up to the service's limit",
    "overhead": "what the service costs beside the engine, in processor time",
    "soak": "thousands of requests: memory, threads and descriptors, and their slopes",
    "book": "a million characters through one job: memory by passages done",
    "cold": "start to /health and to the first sound, the next load, an idle service",
    "encoders": "processor time of each audio format",
    "judge": "what `vllm bench serve` sends to OpenAI's speech API, and what it computes",
    "serving": "the service as a process: load, clients that leave, a killed worker",
    "fairness": "a caller with single requests beside one with many",
    "chaos": "everything at once: all doors, nonsense, half requests, floods, kills",
    "step_cost": "a step of Kyutai's model, ours and moshi's",
    "full_size": "Kyutai's real shapes on this machine: memory and time of each step",
    "pocket": "Pocket TTS, our batch and pocket-tts's own",
    "gpu": "all that needs a GPU",
}


def main() -> int:
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in INSTRUMENTS:
        print(__doc__)
        for known, about in INSTRUMENTS.items():
            print(f"  {known:12}{about}")
        return 0 if name in ("", "-h", "--help") else 2
    sys.argv = [f"python -m benchmarks {name}", *sys.argv[2:]]
    module = f"benchmarks.{name}"
    runpy.run_module(f"{module}.__main__" if name == "gpu" else module, run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
