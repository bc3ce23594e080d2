#!/usr/bin/env bash
# Writes requirements/lock.txt anew: one version of every package that any requirements file leads to, with hashes.
# Needs uv and a full index; a folder with a few wheels would leave out the hashes of the others.
#
#   scripts/lock.sh               keeps what still fits
#   scripts/lock.sh --upgrade     takes the newest that the ranges allow
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
uv pip compile --quiet requirements/dev.txt --universal --python-version 3.11 --generate-hashes --no-annotate \
  --custom-compile-command scripts/lock.sh --output-file requirements/lock.txt "$@"
