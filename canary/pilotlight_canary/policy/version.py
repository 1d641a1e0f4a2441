"""Which version a component's spec asks for, and whether it is a new one."""

from dataclasses import dataclass

from pilotlight_canary.observation import ComponentView, Service


@dataclass(frozen=True)
class Version:
    """What the spec of a component asks for, compared with the revision that is stable.

    Args:
        identity: By it a version is known again: the template's hash, or the revision's name
            where nobody wrote a hash, or both where the same template became another revision
            (its ServingRuntime was edited, KServe was upgraded).
        revision: Its revision; empty until KServe and Knative have made it.
        returning: The template is stable's own again.
    """

    identity: str
    revision: str
    returning: bool = False


def is_new(service: Service, view: ComponentView, stable: str) -> bool:
    """The spec asks for something else than the stable revision."""
    if view.latest_created and view.latest_created != stable:
        return True
    return bool(view.template_hash) and view.template_hash != _hash_of(service, stable)


def version(
    service: Service, view: ComponentView, stable: str, before: str = "", *, returning: bool = False
) -> Version:
    """What the spec asks for.

    Args:
        stable: The revision that it is compared with.
        before: Identity of the version that was rolled out before, or is.
        returning: That one is stable's own template.
    """
    revision = _created(service, view, stable)
    if not view.template_hash:
        return Version(view.latest_created, revision)
    if view.template_hash != _hash_of(service, stable):
        return Version(view.template_hash, revision)
    came_back = before != "" and before.partition("@")[0] != view.template_hash
    if came_back or (returning and before == view.template_hash):
        return Version(view.template_hash, revision, returning=True)
    return Version(f"{view.template_hash}@{view.latest_created}", revision)


def _hash_of(service: Service, revision: str) -> str:
    known = service.revisions.get(revision)
    return known.template_hash if known else ""


def _created(service: Service, view: ComponentView, stable: str) -> str:
    newest = service.revisions.get(view.latest_created)
    if newest is None or newest.name == stable:
        return ""
    older = view.template_hash and newest.template_hash not in ("", view.template_hash)
    return "" if older else newest.name
