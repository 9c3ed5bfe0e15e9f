"""Tests of the exports as CloudFormation and Terraform."""

from __future__ import annotations
