"""The template tag library ``cfsigned``."""
