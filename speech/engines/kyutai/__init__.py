"""Kyutai TTS 1.6B. What torch and moshi read from the environment is settled here, before any module imports them."""

import os

os.environ.setdefault("NO_TORCH_COMPILE", "1")  # moshi looks on import; compiling takes 20 to 40 s and needs a compiler
# On a CPU that others use, torch's threads must sleep while they wait for each other: when they spin, a step takes
# nine times as long (docs/experiments.md).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
