#!/usr/bin/env bash
# Writes requirements/lock.txt anew: one version of every package that any requirements file leads to, with hashes.
# Needs uv and a full index; a folder with a few wheels would leave out the hashes of the others.
#
#   scripts/lock.sh               keeps what still fits
#   scripts/lock.sh --upgrade     takes the newest that the ranges allow
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# everything: all requirements; those that bring torch only for the Pythons that moshi takes.
everything() {
  local file
  for file in core dev-core wyoming; do
    printf -- '-r requirements/%s.txt\n' "$file"
  done
  sed -nE '/^[A-Za-z]/ { s/ *#.*//; s/$/; python_version < "3.14"/; p }' requirements.txt requirements/pocket.txt
}

everything | uv pip compile --quiet - --universal --python-version 3.11 --generate-hashes --no-annotate \
  --custom-compile-command scripts/lock.sh --output-file requirements/lock.txt "$@"
