"""Bring an AWS account from what there is to what is wished for, step by step.

:func:`~cfsigned_django.aws.provisioning.plan.plan` is pure: it compares a
:class:`~cfsigned_django.aws.account.Account` with a
:class:`~cfsigned_django.aws.provisioning.desired_state.DesiredState`. ``apply.py`` does the
first step that is to do, looks anew, and goes on until nothing is left. So it
can die anywhere, and a second run finds what the first one did.
"""

from __future__ import annotations
