"""Bring an AWS account from its present state to the wanted one, one step at a time.

Wanted state
------------
``wanted`` is what the site needs, from the options of cfsigned_setup and the settings. It refuses
what AWS would not accept, before AWS is called.

Found state
-----------
``tools/account/reader.py`` reads what exists, once, into an
:class:`~cfsigned_django.tools.account.account.Account`. From here to the plan, AWS is not called.

The site in AWS
---------------
``site`` combines both: which key group, origin and policies to use, and which documents
the distribution must then have. An account that could not be read completely is refused: a plan
based on half of it could remove what it does not see.

Facts
-----
``judge`` says what is wrong, and what is in order: an ID and values for the words in ``facts``.
cfsigned_doctor reports all facts. A fact names the step that repairs it, or asks for a decision;
one step may repair several facts.

Plan
----
``plan`` lists the steps in a safe order. Each is done, to do, or a conflict that a person must
decide, with the call it needs and the document before and after. ``keys``,
``distribution``, ``exposure``, ``bucket``, ``encryption`` and ``policies`` know one part each, its
facts and its steps; ``steps`` defines a step. All of this is pure.
cfsigned_setup prints the plan; the exports render the same documents for an empty account.

Apply
-----
``apply`` makes the call of the first step to do, reads the account again, plans again, and
continues until nothing is left. So a process may die between any two lines, and others may change
the account meanwhile: the next read finds what was done.
"""

from __future__ import annotations
