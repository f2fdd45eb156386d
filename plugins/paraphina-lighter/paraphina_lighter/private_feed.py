"""The account's stream: what becomes of orders, fills, positions and collateral, and answers to transactions.

A channel begins with what is there already: orders that are open, and fills of before, which are marked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from paraphina_core.connector import decode_json
from paraphina_core.domain import Event, RemoteProtocolError, SubscriptionLive

from .account import AccountReader
from .feed import read_notice
from .messages import ENVELOPE
from .order_entry import OrderEntry

#: What is subscribed to, each of the account's number.
CHANNELS: Final = ("account_all_orders", "account_all_trades", "account_all_positions", "user_stats")
#: Answers to what was sent on the stream.
_ANSWERS: Final = "jsonapi/"
_FIRST: Final = "subscribed/"


class PrivateFeed:
    """Reads the account's stream.

    Args:
        stream: name of the stream in the plan.
        account_index: the account.
        reader: reads what is said of it.
        entry: takes the answers to transactions.
    """

    def __init__(self, stream: str, account_index: int, reader: AccountReader, entry: OrderEntry) -> None:
        self._stream = stream
        self._account = account_index
        self._entry = entry
        self._readers: Mapping[str, Callable[[bytes, bool], Sequence[Event]]] = {
            "account_all_orders": lambda frame, _: reader.orders_changed(frame),
            "account_all_trades": lambda frame, is_first: reader.traded(frame, is_replay=is_first),
            "account_all_positions": lambda frame, _: reader.positions_changed(frame),
            "user_stats": lambda frame, _: reader.worth_changed(frame),
        }

    def subscriptions(self, token: str) -> Sequence[bytes]:
        """Return the messages that subscribe to every channel."""
        return [
            msgspec.json.encode({"type": "subscribe", "channel": f"{name}/{self._account}", "auth": token})
            for name in CHANNELS
        ]

    def read(self, frame: bytes) -> Sequence[Event]:
        """Turn one message into events.

        Raises:
            RemoteError: the message is not what the venue documents, or is about another account.
        """
        envelope = decode_json(ENVELOPE, frame, "message")
        if envelope.type.startswith(_ANSWERS):
            return self._entry.read_message(frame)
        name, _, account = envelope.channel.partition(":")
        read = self._readers.get(name)
        if read is None or envelope.error is not None:
            return read_notice(envelope, self._stream)
        if account != str(self._account):
            raise RemoteProtocolError("message is about another account", found=account[:32])
        is_first = envelope.type.startswith(_FIRST)
        events = read(frame, is_first)
        return (SubscriptionLive(topic=name), *events) if is_first else events
