"""Write a set-up as a CloudFormation or a Terraform template."""

from __future__ import annotations
