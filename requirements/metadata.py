"""What the package depends on, read from the requirements files: a hook of hatchling's (pyproject.toml).

core.txt is what every installation needs. An engine with packages of its own is an extra, and so is Home
Assistant's protocol: what its file names beside core.txt.
"""

from __future__ import annotations

from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

CORE = "requirements/core.txt"
EXTRAS = {
    "kyutai": "requirements.txt",
    "gpu": "requirements.txt",
    "pocket": "requirements/pocket.txt",
    "wyoming": "requirements/wyoming.txt",
}


def named(file: Path) -> list[str]:
    """The requirements of a file, without comments and without the files and options that it names."""
    lines = (line.partition("#")[0].strip() for line in file.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("-")]


class Requirements(MetadataHookInterface):
    def update(self, metadata: dict[str, object]) -> None:
        root = Path(self.root)
        metadata["dependencies"] = named(root / CORE)
        metadata["optional-dependencies"] = {name: named(root / file) for name, file in EXTRAS.items()}
