"""Rotate keys under load with real processes: gunicorn, commands that are killed, PostgreSQL.

A scratch site runs under gunicorn, in front of an emulator of AWS's API, while
clients ask it for links. Two edges learn of each change of the key group late;
each of them must know the key of a link until that ends. The waits are a few
seconds long, so that five rotations take less than a minute.
"""
