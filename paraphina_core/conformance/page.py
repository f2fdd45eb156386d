"""The cards as Markdown, as the documentation has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .card import Card, Family, Trial


def to_markdown(trials: Iterable[Trial]) -> str:
    """Spell cards as Markdown: a heading for each family, a block for each card."""
    cards = [trial.card for trial in trials]
    return "\n".join(line for family in Family for line in _family(family, cards))


def _family(family: Family, cards: Iterable[Card]) -> Iterator[str]:
    of_family = [card for card in cards if card.family is family]
    if of_family:
        yield f"## {family.value}: {family.words}\n"
        for card in of_family:
            yield from _card(card)


def _card(card: Card) -> Iterator[str]:
    yield f"### {card.id} {card.title}\n"
    yield f"* Prerequisite: {card.prerequisite}"
    yield f"* Action: {card.action}"
    yield f"* Events: {card.events}"
    yield f"* Pass: {card.passes}"
    yield f"* Skip when: {'; '.join(card.all_skip_reasons) or 'never'}\n"
