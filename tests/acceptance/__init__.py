"""Test the acceptance run of AWS: its record, its guard, its clean-up and its questions."""
