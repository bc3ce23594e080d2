"""Saying text: requests, voices, engines, encoders. Knows nothing of HTTP."""
