"""Joins the parts. The only file of the service that reads Settings from the environment.

python app.py            serves on HOST and PORT (0.0.0.0:8900) with gunicorn
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from flask import Flask

import web
from gpu_manager import gpu_manager
from speech.errors import SpeechError
from speech.service import SpeechService, build_service, choose
from speech.settings import Settings, SettingsError, unknown_names
from web.http import keys, logs
from web.process.memory import share_one_arena
from web.process.server import Server
from web.routes.balancer import forget_announcement

ENV_FILE = Path(".env")
log = logging.getLogger("kyutai_tts")


def create_app(
    settings: Settings,
    service: SpeechService | None = None,
    *,
    on_release: Callable[[], None] = lambda: None,
    on_broken: Callable[[], None] = lambda: None,
) -> Flask:
    """The Flask app. service: what speaks; None: one over the process's gpu_manager, as the settings say.

    The hooks are gpu_manager's; the server uses them to replace its worker.
    Raises SpeechError if the settings ask for an engine that cannot be had.
    """
    app = Flask("kyutai_tts", static_folder=None)
    service = service or build_service(
        settings,
        gpu_manager,
        visible_gpus=os.environ.get("CUDA_VISIBLE_DEVICES"),
        on_release=on_release,
        on_broken=on_broken,
    )
    web.init_app(app, service)
    return app


def main(environ: Mapping[str, str] = os.environ, env_file: Path = ENV_FILE) -> int:
    """Serve until told to stop. 2: the settings are wrong; one line on standard error says which."""
    share_one_arena()
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # so that CUDA counts GPUs as the driver does
    try:
        settings = Settings.load(environ, env_file)
        keys.check(settings)
        server = Server(settings, create_app)
    except SettingsError as error:
        print(f"kyutai-tts: {error}", file=sys.stderr)
        return 2
    logs.set_up(settings.log_level, settings.log_format)
    for name in unknown_names(env_file):
        log.info("%s in %s is not a setting of this service", name, env_file)
    forget_announcement(settings.drain_file)
    try:
        choose(settings, os.environ.get("CUDA_VISIBLE_DEVICES"))  # in a worker, gunicorn would report it its own way
        server.run()
    except SpeechError as error:
        print(f"kyutai-tts: {error.message}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
