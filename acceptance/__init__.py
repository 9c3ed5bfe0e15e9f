"""Ask AWS what its documentation does not say, in an account of your own, and leave nothing there.

``make acceptance ACCOUNT=...`` runs it; README.md is for the person who does, and
docs/explanation/checked-on-aws.md shows what was found.
"""
