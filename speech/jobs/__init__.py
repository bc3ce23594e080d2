"""Jobs: long texts that are spoken while nobody waits for them, and kept (Jobs in jobs.py)."""
