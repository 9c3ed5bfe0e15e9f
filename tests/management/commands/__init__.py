"""Test the commands that have no folder elsewhere: setup, doctor, edge and rotation have one."""
