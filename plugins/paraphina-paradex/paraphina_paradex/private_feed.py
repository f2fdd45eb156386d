"""The account's stream: logged in once, then told of orders, fills, positions, worth and funding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from paraphina_core.connector import decode_json
from paraphina_core.domain import Event, RemoteProtocolError, Resubscribe, SubscriptionLive, VenueNotice

from .account import AccountReader
from .account_messages import CALL, Call
from .refusals import clean

#: Ids of the messages with which the stream begins: the login, then one for each channel.
_LOGIN_ID: Final = 0
#: What is subscribed to; what is told comes under the name of its market, or under this one.
CHANNELS: Final = ("orders.ALL", "fills.ALL", "positions", "account", "funding_payments.ALL")


class PrivateFeed:
    """Reads the account's stream.

    Args:
        stream: name of the stream in the plan.
        reader: reads what is said of the account.
    """

    def __init__(self, stream: str, reader: AccountReader) -> None:
        self._stream = stream
        self._readers: Mapping[str, Callable[[bytes], Sequence[Event]]] = {
            "orders": reader.order_changed,
            "fills": reader.filled,
            "positions": reader.position_changed,
            "account": lambda data: (reader.balance(data),),
            "funding_payments": reader.paid,
        }

    @staticmethod
    def opening(token: str) -> Sequence[bytes]:
        """Return the messages of a new connection: the login, and every subscription."""
        login = {"jsonrpc": "2.0", "method": "auth", "params": {"bearer": token}, "id": _LOGIN_ID}
        subscriptions = [
            {"jsonrpc": "2.0", "method": "subscribe", "params": {"channel": channel}, "id": number}
            for number, channel in enumerate(CHANNELS, 1)
        ]
        return [msgspec.json.encode(message) for message in (login, *subscriptions)]

    def read(self, frame: bytes) -> Sequence[Event]:
        """Turn one message into events.

        Raises:
            RemoteError: the message is not what the venue documents.
        """
        call = decode_json(CALL, frame, "message")
        if call.method == "subscription" and call.params is not None:
            name = call.params.channel.partition(".")[0]
            read = self._readers.get(name)
            if read is None:
                raise RemoteProtocolError("message of a channel that was not subscribed", found=name[:64])
            return read(bytes(call.params.data))
        return self._answered(call, frame)

    def _answered(self, call: Call, frame: bytes) -> Sequence[Event]:
        """Read the answer to a message of the opening."""
        if call.id is None or not 0 <= call.id <= len(CHANNELS):
            raise RemoteProtocolError("answer to nothing that was asked", found=frame[:80])
        if call.error is not None:
            text = clean(f"{CHANNELS[call.id - 1] if call.id else 'login'}: {call.error}")
            return (
                VenueNotice(code="error", text=text),
                Resubscribe(stream=self._stream, reason="the venue refuses its login or a channel"),
            )
        return () if call.id == _LOGIN_ID else (SubscriptionLive(topic=CHANNELS[call.id - 1]),)
