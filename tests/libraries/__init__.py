"""Use the package with the libraries that sites have beside it: see tests/libraries/settings.py."""
