"""The command kyutai-tts: serve, say, prefetch, mcp.

In a wheel this file is the package that holds all the others (docs/decisions/package.md): only then is the folder that
it lies in not on the path already.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

PROG = "kyutai-tts"
BAD_USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells count


def serve(arguments: list[str]) -> int:
    """The service, in the foreground, as ./start.sh --foreground has it."""
    parser = argparse.ArgumentParser(f"{PROG} serve", description="Run the service in this terminal. Ctrl-C stops it.")
    parser.add_argument("--host", help="address to listen on (default: HOST, else 0.0.0.0)")
    parser.add_argument("--port", help="port to listen on (default: PORT, else 8900)")
    parser.add_argument("--engine", help="auto, or the name of an engine (default: ENGINE, else auto)")
    given = {name.upper(): value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    import app
    from cli.home import env_file

    return app.main({**os.environ, **given}, env_file(os.environ))


def say(arguments: list[str]) -> int:
    """Text spoken on this machine, or into a file."""
    from cli.main import main as run

    return run(arguments, prog=f"{PROG} say")


def prefetch(arguments: list[str]) -> int:
    """What an engine needs, fetched ahead of time."""
    from cli.prefetch import main as run

    return run(arguments, prog=f"{PROG} prefetch")


def mcp(arguments: list[str]) -> int:
    """Speech for assistants: an MCP server on standard input and output, or over HTTP."""
    from functools import partial

    import mcp_server
    from cli.home import env_file

    doors_for = partial(mcp_server.make_doors, env_file=env_file(os.environ))
    return mcp_server.main(arguments, doors_for, prog=f"{PROG} mcp")


COMMANDS: dict[str, Callable[[list[str]], int]] = {command.__name__: command for command in (serve, say, prefetch, mcp)}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of the command that is named."""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    command, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if command in COMMANDS:
        try:
            return COMMANDS[command](rest)
        except KeyboardInterrupt:  # while it starts or fetches; what serves or speaks ends in its own way
            return INTERRUPTED
    if command in ("-h", "--help"):
        print(_usage())
        return 0
    if command == "--version":
        from speech import VERSION

        print(VERSION)
        return 0
    print(f"{PROG}: there is no command {command!r}.\n{_usage()}", file=sys.stderr)
    return BAD_USAGE


def _usage() -> str:
    width = max(map(len, COMMANDS))
    rows = [f"  {name:{width}}  {command.__doc__}" for name, command in COMMANDS.items()]
    return "\n".join([f"Usage: {PROG} COMMAND [options]", "", *rows, "", f"{PROG} COMMAND --help tells more."])


if __name__ == "__main__":
    sys.exit(main())
