"""Judge an AWS account: what is wrong for this site, and what is in order.

``wanted`` is what the site needs, from its settings and the options of a command. ``reader.py``
reads what exists, once, into an :class:`~cfsigned_django.tools.account.account.Account`. From here
on, AWS is not called: ``site_in_aws`` puts both side by side, and ``judge`` yields findings, whose
words are in ``tools/catalog.py``. ``keys``, ``distribution``, ``other_behaviors``, ``bucket`` and
``policies`` judge one part each. The doctor reports all that is found, and so does the proof of
cfsigned_setup.
"""
