"""What is known of an engine without importing it. Imports the standard library alone: start.sh reads the rows too."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sized

    from speech.engines.base import Engine
    from speech.progress import Progress
    from speech.settings import Settings
    from speech.voices.catalogue import VoiceCatalogue


@dataclass(frozen=True)
class Cost:
    """What an engine takes to install and to fetch, GB. str(): for people."""

    disk_gb: float  # its packages
    weights_gb: tuple[float, float]  # what the first request fetches: the least and the most, by what is asked for

    def __str__(self) -> str:
        least, most = self.weights_gb
        return f"{self.disk_gb:g} GB on disk; its weights, {least:g} to {most:g} GB, come at the first request"


@dataclass(frozen=True)
class EngineSpec:
    """A row of ENGINES: all that other files know of an engine.

    Modules are given by name and imported when they are needed.
    """

    name: str  # what ENGINE calls it
    module: str  # holds build(settings, progress) -> Engine; imported when the engine is loaded
    voices: str  # holds catalogue(settings) -> VoiceCatalogue; imported at the start, so it imports no model
    label: str
    model: str  # what speaks, as listed to clients
    languages: tuple[str, ...]  # ISO 639-1
    sample_rate: int  # Hz
    rank: int  # ENGINE=auto asks the rows in this order, the lowest first
    needs_cuda: bool  # speaks on an NVIDIA GPU and holds it; on a CPU only where DEVICE=cpu asks for that
    idle_timeout_s: float  # GPU_IDLE_TIMEOUT where that is unset; negative: never released
    requirements: str  # the file of packages to install
    cpu_overrides: str = ""  # a file of smaller builds for a machine without a GPU
    before_python: tuple[int, int] = (3, 15)  # the first Python for which the packages have no wheels
    machines: tuple[str, ...] = ()  # processors for which they have wheels, as platform.machine() says; empty: any
    needs_modules: tuple[str, ...] = ()  # must be installed beside what the service itself needs
    library: str = ""  # the large one of a package, PACKAGE/PATH, loaded ahead so that other threads go on meanwhile
    # Holds missing(settings) -> what is not on this machine, in words, or None. Where it is given, ENGINE=auto takes
    # the engine only if nothing is missing, and start.sh installs it only when it is asked for by name.
    files: str = ""
    prefetch: str = ""  # holds main(arguments, settings, prog), which fetches files ahead of time; "": needs none
    cfg_coefs: tuple[float, ...] = ()  # what it takes; empty: the field is ignored, and the answer says so
    default_cfg_coef: float | None = None
    image: str = ""  # the service of docker-compose.yml that has all it needs without a GPU; empty: none has
    cost: Cost | None = None  # None: nothing worth saying. start.sh says it before it installs
    phonemes: bool = False  # takes `[word](/phonemes/)` in what it is given to say
    cloning: bool = False  # voices can be made from recordings, once its files for that are here
    sampling: bool = False  # temperature, top_k and seed mean something

    def available(self, gpus: Sized) -> str | None:
        """Why it cannot speak on this machine, in words; None if it can. gpus: those that it may use."""
        if self.needs_cuda and not len(gpus):
            return "no NVIDIA GPU was found"
        return self.not_installed

    @property
    def not_installed(self) -> str | None:
        """The modules that are missing, in words; None if all are here."""
        missing = [name for name in self.needs_modules if find_spec(name) is None]
        return f"{', '.join(missing)} not installed" if missing else None

    def missing(self, settings: Settings) -> str | None:
        """What must be fetched before it can speak, in words; None if nothing, or if the engine does not say."""
        missing: str | None = import_module(self.files).missing(settings) if self.files else None
        return missing

    def catalogue(self, settings: Settings) -> VoiceCatalogue:
        """The voices it has. Raises VoiceNotFound if DEFAULT_VOICE is known to name none of them."""
        voices: VoiceCatalogue = import_module(self.voices).catalogue(settings)
        voices.check_default()
        return voices

    def build(self, settings: Settings, progress: Progress) -> Engine:
        """Import the engine's module and make one. Slow: up to minutes. Raises SpeechError."""
        from speech.engines.libraries import load_library  # start.sh reads this file without the others

        if self.library:
            load_library(self.library)
        engine: Engine = import_module(self.module).build(settings, progress)
        return engine
