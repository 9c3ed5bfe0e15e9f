"""The signal that this package sends."""

from __future__ import annotations

from django.dispatch import Signal

#: Sent by :class:`cfsigned_django.views.SignedRedirectView` and
#: :class:`cfsigned_django.views.SignedPlaylistView` once the permission has let the viewer in, and
#: before the answer. Arguments: ``sender``, the class of the view; ``request``; ``storage``, the
#: alias; ``name``, of the file. An error of a receiver is logged, and the viewer gets the file.
file_opened: Signal = Signal()
