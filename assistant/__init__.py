"""Speech for assistants: the MCP server's tools. Knows MCP; no engine, no torch, no Flask.

Nothing in here imports `speech` before the first call needs it: a host starts the server long before the first call.
"""
