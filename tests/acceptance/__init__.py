"""Test the acceptance run of AWS: its ledger, its guard, its clean-up and its questions."""
