"""Bring an AWS account from what there is to what there must be, one step at a time.

Desired state
-------------
``desired_state``: what the site needs, from the options of cfsigned_setup and the settings: a
:class:`~cfsigned_django.aws.provisioning.desired_state.DesiredState`. What AWS would not take is
refused here, before AWS is asked.

Found state
-----------
``aws/account_reader.py`` reads what there is, once, into an
:class:`~cfsigned_django.aws.account.Account`. From here to the plan nothing asks AWS.

Resolved state
--------------
``resolved_state`` puts the two together: which key group, origin and policies are meant, and which
documents the distribution would then have. An account that could not be read completely is
refused: a plan made from half of it could take away what it does not see.

Plan
----
``plan`` lists the steps in the order in which they are safe, each done, to do, or a conflict that
a person decides, with the call it needs and the document before and after. ``key_steps``,
``policy_steps``, ``bucket_steps``, ``distribution_steps`` and ``decision_steps`` know one part
each; ``steps`` says what a step is. All of it is pure. cfsigned_setup prints the plan; the exports
render the same documents for an empty account.

Apply
-----
``apply`` makes the call of the first step to do, reads the account again, plans again, and goes on
until nothing is to do. So a process may die between any two lines, and somebody else may change
the account meanwhile: the next look finds what was done.
"""

from __future__ import annotations
