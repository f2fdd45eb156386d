"""From a connector's name to its twin: the plugin says where it is, and only now is it imported."""

from __future__ import annotations

import importlib
from typing import cast

from paraphina_core.connector import ConnectorSpec
from paraphina_core.domain import LocalError

from .protocol import TwinContext, TwinFactory, VenueTwin


def build_twin(spec: ConnectorSpec, context: TwinContext) -> VenueTwin:
    """Build the twin of a connector.

    Raises:
        LocalError: the connector offers none, or what it names is none.
    """
    if spec.twin is None:
        raise LocalError(
            f"connector {spec.name} has no twin",
            wanted="one whose plugin brings a twin",
            remedy="`paraphina connectors` lists them all",
        )
    where, _, attribute = spec.twin.partition(":")
    try:
        factory = cast("TwinFactory", getattr(importlib.import_module(where), attribute))
    except (ImportError, AttributeError) as e:
        raise LocalError(f"the twin of {spec.name} cannot be imported", found=f"{spec.twin}: {e}") from e
    return factory(context)
