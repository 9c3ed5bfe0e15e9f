"""Test the commands that have no folder elsewhere: setup, doctor and rotation have one."""
