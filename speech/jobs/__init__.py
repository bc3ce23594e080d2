"""Jobs: long texts that are spoken while no request waits, and kept (Jobs in jobs.py)."""
