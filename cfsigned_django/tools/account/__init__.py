"""Read an AWS account, and judge it."""
