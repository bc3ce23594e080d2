"""Saying text: requests, voices, engines, encoders. Knows nothing of HTTP."""

VERSION = "0.1.0"
