"""Rotate keys under load with real processes: gunicorn, commands that are killed, databases.

A scratch site runs under gunicorn, in front of an emulator of AWS's API, while
clients request what it signs at two edges that learn of each change late. The
waits are a few seconds long, so that five rotations take less than a minute.
"""
