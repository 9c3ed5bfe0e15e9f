"""Migrations of the table of key pairs."""
