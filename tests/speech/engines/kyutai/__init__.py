import speech.engines.kyutai  # noqa: F401  # settles what torch and moshi read from the environment, before either comes
