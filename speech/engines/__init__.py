"""Which engines there are. A new one is a folder beside this and a row here; an engine is imported when chosen."""

from __future__ import annotations

from speech.engines.spec import Cost, EngineSpec

AUTO = "auto"  # the value of ENGINE that asks the rows
CORE = "requirements/core.txt"  # what the service itself needs, and all that the image without torch has
ENGINES: dict[str, EngineSpec] = {
    spec.name: spec
    for spec in (
        EngineSpec(
            name="kyutai",
            module="speech.engines.kyutai.loading",
            voices="speech.engines.kyutai.voices",
            label="Kyutai TTS 1.6B",
            model="kyutai-tts-1.6b",
            languages=("en", "fr"),
            sample_rate=24_000,
            rank=10,
            needs_cuda=True,
            idle_timeout_s=60,
            requirements="requirements.txt",
            cpu_overrides="requirements/cpu-overrides.txt",
            before_python=(3, 14),  # moshi asks for numpy below 2.3
            machines=("x86_64",),  # moshi asks for sphn
            needs_modules=("torch", "moshi"),
            library="torch/lib/libtorch_cpu.so",
            prefetch="speech.engines.kyutai.prefetch",
            cfg_coefs=(1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0),
            default_cfg_coef=2.0,
            sampling=True,
        ),
        EngineSpec(
            name="pocket",
            module="speech.engines.pocket.loading",
            voices="speech.engines.pocket.voices",
            label="Kyutai Pocket TTS",
            model="kyutai-pocket-tts",
            languages=("en", "fr", "de", "es", "pt", "it", "nl"),
            sample_rate=24_000,
            rank=50,
            needs_cuda=False,
            idle_timeout_s=-1,
            requirements="requirements/pocket.txt",
            cpu_overrides="requirements/cpu-overrides.txt",
            needs_modules=("torch", "pocket_tts"),
            library="torch/lib/libtorch_cpu.so",
            files="speech.engines.pocket.files",
            image="pocket",
            cost=Cost(disk_gb=1.3, weights_gb=(0.05, 1.4)),
            prefetch="speech.engines.pocket.prefetch",
            cloning=True,
            sampling=True,
        ),
        EngineSpec(
            name="hibari",
            module="speech.engines.hibari.engine",
            voices="speech.engines.hibari.catalogue",
            label="embedded voice (hibari)",
            model="hibari",
            languages=("en",),
            sample_rate=24_000,
            rank=90,
            needs_cuda=False,
            idle_timeout_s=-1,
            requirements=CORE,
            image="cpu",
            prefetch="speech.engines.hibari.prefetch",
            phonemes=True,
        ),
    )
}


def by_rank() -> list[EngineSpec]:
    """All rows, in the order in which ENGINE=auto asks them."""
    return sorted(ENGINES.values(), key=lambda spec: spec.rank)


def names() -> list[str]:
    """What ENGINE may be."""
    return [AUTO, *(spec.name for spec in by_rank())]
