"""The one check every order passes before it is sent: an ordered table of gates, each with a code.

`check` is pure: it reads the order and its context and returns the first refusal, or None. Every
limit is written so that what is not a number denies. Cancels never come here; they always pass. A
modification is judged as the order that it makes, beside the one that it replaces.
"""

from __future__ import annotations

from typing import Final

import msgspec

from paraphina_core.domain import LocalError, PlaceOrder

from . import limit_rules, state_rules, term_rules
from .context import OrderContext

#: Every gate, in the order in which they are asked.
ORDER_GATES: Final = (*state_rules.RULES, *term_rules.RULES, *limit_rules.RULES)
_CHECKS: Final = tuple((rule.code, rule.check) for rule in ORDER_GATES)
_CHECKS_OF_CHANGES: Final = tuple((rule.code, rule.check) for rule in ORDER_GATES if rule.asked_of_changes)


class Refusal(msgspec.Struct, frozen=True):
    """Why an order may not be sent: the gate's code, and what it found."""

    code: str
    found: str

    def __str__(self) -> str:
        return f"{self.code}: {self.found}"


def check(order: PlaceOrder, context: OrderContext, *, is_change: bool = False) -> Refusal | None:
    """Judge one order; None means that it may be sent.

    With `is_change` it is an order as a change would make it: it stands beside the order that it replaces,
    which still counts, and is held to every gate but those that count orders and their ids.

    Judge an order, count it in (`OrderContext.update`, `MessageBudget.spend`) and send it before the
    next one is judged: two orders judged by the same numbers could together exceed a limit.
    """
    price = float(order.price)
    size = float(order.size)
    for code, gate in _CHECKS_OF_CHANGES if is_change else _CHECKS:
        try:
            found = gate(order, context, price, size)
        except (ArithmeticError, LocalError) as e:  # a decimal that is not a number raises when compared
            return Refusal(code, f"cannot be judged: {type(e).__name__}")
        if found is not None:
            return Refusal(code, found)
    return None
