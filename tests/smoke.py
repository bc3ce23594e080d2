"""Says a word through the app with the embedded voice, with nothing installed but the service: python -m tests.smoke"""

from __future__ import annotations

import io
import wave

import mcp_server  # noqa: F401 - its library must be there, too
from app import create_app
from gpu_manager import GPUManager
from speech.service import build_service
from speech.settings import Settings


def main() -> None:
    settings = Settings(engine="hibari")
    service = build_service(settings, GPUManager())
    try:
        answer = create_app(settings, service).test_client().post("/api/tts", json={"text": "Hello there."})
        assert answer.status_code == 200, answer.text
        with wave.open(io.BytesIO(answer.data)) as sound:
            print(f"{sound.getnframes() / sound.getframerate():.2f} s of speech")
    finally:
        service.close()


if __name__ == "__main__":
    main()
