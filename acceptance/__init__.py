"""Ask AWS what its documentation does not say, in an account of your own, and leave nothing there.

``make acceptance ACCOUNT=...`` runs it; docs/explanation/checked-on-aws.md is for the person who
does, and shows what was found.
"""
