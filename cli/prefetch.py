"""kyutai-tts prefetch: what an engine needs, fetched before it is needed. Each engine's row names what does it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from importlib import import_module

from cli.home import env_file
from speech.engines import AUTO, by_rank, names
from speech.engines.spec import EngineSpec
from speech.gpus import list_gpus
from speech.settings import Settings, SettingsError

BAD_SETTINGS = 2


def main(arguments: list[str], prog: str = "kyutai-tts prefetch") -> int:
    """0: everything is here. 1: something could not be had. 2: the settings are wrong. --help ends the process."""
    parser = _parser(prog)
    options, rest = parser.parse_known_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        settings = Settings.load(os.environ, env_file(os.environ))
        spec = _meant(options.engine or settings.engine)
    except (SettingsError, LookupError) as error:
        print(f"prefetch: {error.args[0]}", file=sys.stderr)
        return BAD_SETTINGS
    if not spec.prefetch:
        print(f"{spec.label}: everything it needs is installed with it.")
        return 0
    if missing := spec.not_installed:
        if {"-h", "--help"} & set(rest):
            parser.print_help()
            parser.exit()
        print(f"prefetch: ENGINE={spec.name}: {missing}. Install {spec.requirements}.", file=sys.stderr)
        return 1
    fetched: int = import_module(spec.prefetch).main(rest, settings, f"{prog} {spec.name}")
    return fetched


def _meant(name: str) -> EngineSpec:
    """The engine of that name; under auto the first that could speak here if its files were. Raises LookupError."""
    gpus = list_gpus(os.environ.get("CUDA_VISIBLE_DEVICES"))
    for spec in by_rank():
        if name == spec.name or (name == AUTO and spec.available(gpus) is None):
            return spec
    raise LookupError(f"{name} is none of {', '.join(names())}.")


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog,
        description="Fetch what an engine needs before it is needed. --help after ENGINE tells its own options.",
        add_help=False,
    )
    parser.add_argument("engine", nargs="?", help="its name (default: ENGINE, else the first that can speak here)")
    return parser
