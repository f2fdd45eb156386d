"""The venue's dead-man switch: armed before the first order, and armed again long before it fires."""

from __future__ import annotations

from typing import Final

from paraphina_core.domain import NS_PER_MS, NS_PER_S, ArmDeadMan, DeadManReport, InstrumentId

#: The switch is armed again after this share of its window.
_BEATS_PER_WINDOW: Final = 3

#: A switch that is off is tried again after so long, and after twice as long each time up to the second
#: figure: what passes heals soon, and every refusal costs a message.
FIRST_AGAIN_NS: Final = 1 * NS_PER_S
MOST_AGAIN_NS: Final = 600 * NS_PER_S

#: The command to switch it off is repeated after so long without an answer.
DISARM_AGAIN_NS: Final = 2 * NS_PER_S


class DeadMan:
    """The switch of one connector as the venue last stated it.

    Args:
        window_ms: silence after which the venue cancels.
        is_waived: the operator lets the connector trade without it.
    """

    def __init__(self, window_ms: int, *, is_waived: bool) -> None:
        self._window_ms = window_ms
        self._is_waived = is_waived
        self._next_ns: int | None = 0
        self._armed_until_ns: int | None = None
        self._is_disarming = False
        self._is_refused = False
        self._again_ns = FIRST_AGAIN_NS
        self.reason = "it was not armed yet"

    def next_due_ns(self) -> int | None:
        """Return when it must be armed, None once it shall stay off."""
        return self._next_ns

    def beat(self, instruments: tuple[InstrumentId, ...], at_ns: int) -> ArmDeadMan | None:
        """Return the command to arm it if that is due: at once where it was to stay off."""
        if self._is_disarming or self._next_ns is None:
            self._is_disarming, self._next_ns = False, at_ns
        if at_ns < self._next_ns:
            return None
        pause_ns = self._window_ms * NS_PER_MS // _BEATS_PER_WINDOW
        if self.is_off:  # the command may get lost, and nothing is placed meanwhile
            pause_ns = min(self._again_ns, pause_ns)
            self._again_ns = min(2 * self._again_ns, MOST_AGAIN_NS)
        self._next_ns = at_ns + pause_ns
        return ArmDeadMan(window_ms=self._window_ms, instruments=instruments)

    def disarm(self, instruments: tuple[InstrumentId, ...], at_ns: int) -> ArmDeadMan | None:
        """Return the command to switch it off while it is on: nothing is left that it should cancel."""
        if self.is_off:
            self._next_ns = None
        if self._next_ns is None or (self._is_disarming and at_ns < self._next_ns):
            return None
        self._is_disarming = True
        self._next_ns = at_ns + DISARM_AGAIN_NS
        return ArmDeadMan(window_ms=0, instruments=instruments)

    def take(self, report: DeadManReport, at_ns: int) -> bool:
        """Take the venue's word on it; True if it refuses and did not before."""
        is_news = bool(report.reason) and not self._is_refused
        self._is_refused = bool(report.reason)
        self._armed_until_ns = report.armed_until_ns
        self.reason = report.reason
        if report.armed_until_ns is not None:
            self._again_ns = FIRST_AGAIN_NS
            if not self._is_disarming and self._next_ns is not None:  # some venues know longer windows only
                beat_ns = (report.armed_until_ns - at_ns) // _BEATS_PER_WINDOW
                self._next_ns = max(self._next_ns, at_ns + beat_ns)
        elif not self._is_disarming:
            self._next_ns = at_ns + self._again_ns if report.reason else at_ns
        return is_news

    @property
    def is_off(self) -> bool:
        """True while the venue would cancel nothing."""
        return self._armed_until_ns is None

    def hindrance(self, at_ns: int) -> str:
        """Say why nothing may be placed for want of it; empty when something may."""
        if self._is_waived or (self._armed_until_ns is not None and at_ns < self._armed_until_ns):
            return ""
        return f"the dead-man switch is not armed: {self.reason or 'it ran out'}"
