"""The figures that need a GPU, in one command: `python -m benchmarks.gpu --help`."""
