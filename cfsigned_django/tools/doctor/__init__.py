"""Find out why a private file is refused, or is not private."""
