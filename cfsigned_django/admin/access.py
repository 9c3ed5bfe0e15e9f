"""The addresses of the steps in the admin, and who may take them."""

from __future__ import annotations

from django.http import HttpRequest

from cfsigned_django.rotation.action import Action

ROTATE, REVOKE = "cfsigned_django.rotate_keypair", "cfsigned_django.revoke_keypair"


def permissions_for(action: Action) -> frozenset[str]:
    """Return the permissions of which a person needs at least one."""
    match action:
        case Action.REVOKE:
            return frozenset({REVOKE})
        case Action.FINISH:  # for people who may revoke, and for people who may rotate
            return frozenset({ROTATE, REVOKE})
        case _:
            return frozenset({ROTATE})


def permissions_of(request: HttpRequest) -> frozenset[str]:
    """Return which of the two permissions, to rotate and to revoke, the person has."""
    return frozenset(each for each in (ROTATE, REVOKE) if request.user.has_perm(each))


def url_name(action: Action) -> str:
    """Return the URL name of an action's page."""
    return f"admin:cfsigned_django_keypair_{action}"
