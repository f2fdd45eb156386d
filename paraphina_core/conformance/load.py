"""From a connector's name to its subject: the plugin says where it is, and only now is it imported."""

from __future__ import annotations

import importlib

from paraphina_core.connector import ConnectorSpec
from paraphina_core.domain import LocalError

from .subject import Subject


def subject_of(spec: ConnectorSpec) -> Subject:
    """Return the subject that a connector names, or one without further evidence.

    Raises:
        LocalError: what it names cannot be imported or is none of this connector; it is not built yet.
    """
    if spec.conformance is None:
        return Subject(spec=spec)
    where, _, attribute = spec.conformance.partition(":")
    try:
        subject = getattr(importlib.import_module(where), attribute)
    except (ImportError, AttributeError) as e:
        raise LocalError(
            f"the conformance subject of {spec.name} cannot be imported", found=f"{spec.conformance}: {e}"
        ) from e
    if not isinstance(subject, Subject) or subject.spec.name != spec.name:
        raise LocalError(f"the conformance subject of {spec.name} is none", found=type(subject).__name__)
    return subject
