"""The conscience: start-up gates and order gates, pure functions that refuse and say why."""

from __future__ import annotations
