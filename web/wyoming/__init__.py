"""The Wyoming protocol: how Home Assistant asks for speech. Off unless WYOMING_PORT is set.

Events are lines of JSON over TCP, each perhaps with more JSON and bytes behind it; the library `wyoming` has them. The
protocol knows no keys.
"""
