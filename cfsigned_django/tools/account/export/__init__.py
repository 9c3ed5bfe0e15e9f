"""Export a setup as a CloudFormation or Terraform template."""

from __future__ import annotations
