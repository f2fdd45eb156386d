"""Every card there is, in the order in which they are run and listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from paraphina_core.domain import ConfigError, did_you_mean

from .card import Family, Trial
from .cards import DECKS

_ORDER: Final = list(Family)

TRIALS: Final[tuple[Trial, ...]] = tuple(
    sorted(
        (trial for deck in DECKS for trial in deck.trials),
        key=lambda trial: (_ORDER.index(trial.card.family), trial.card.id),
    )
)


def select(ids: Sequence[str] = (), families: Sequence[str] = ()) -> tuple[Trial, ...]:
    """Return the cards with these ids or of these families, in their order; all if neither is given.

    Raises:
        ConfigError: there is no such card or family; the nearest is named.
    """
    known = [trial.card.id for trial in TRIALS]
    for wanted, there in ((ids, known), (families, [family.value for family in Family])):
        for name in wanted:
            if name.upper() not in there:
                raise ConfigError(
                    "no card has this name", found=name, remedy=did_you_mean(name.upper(), there)
                )
    if not ids and not families:
        return TRIALS
    cards, groups = {name.upper() for name in ids}, {name.upper() for name in families}
    return tuple(trial for trial in TRIALS if trial.card.id in cards or trial.card.family.value in groups)
