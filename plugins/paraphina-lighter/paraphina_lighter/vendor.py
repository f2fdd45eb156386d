"""The vendor's signer: a shared library of `lighter-sdk`, of the one version that this was written for.

Its functions take numbers by position, and the positions change between releases; the header beside it is
therefore read and compared before it is called. From a process's main thread it takes 2.4 to 3.4 ms for an
order, from any other 0.4 ms (measured with 1.1.8), so it has a thread of its own. It makes no request as long
as the nonce is given.
"""

from __future__ import annotations

import ctypes
import json
import platform
import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from paraphina_core.domain import ConfigError, LocalError

DISTRIBUTION: Final = "lighter-sdk"
VERSION: Final = "1.1.8"
INSTALL: Final = f"pip install {DISTRIBUTION}=={VERSION}"

_FILES: Final = {
    ("Linux", "x86_64"): "lighter-signer-linux-amd64.so",
    ("Linux", "aarch64"): "lighter-signer-linux-arm64.so",
    ("Darwin", "x86_64"): "lighter-signer-darwin-amd64.dylib",
    ("Darwin", "arm64"): "lighter-signer-darwin-arm64.dylib",
}
#: What a market attribute that is not set is for the library.
_EVERY_MARKET: Final = 255
_CANCEL_ALL: Final = 16
_CANCEL_ALL_MARKET: Final = 5
_SIGNATURE_BYTES: Final = 80

_L, _I, _B = ctypes.c_longlong, ctypes.c_int, ctypes.c_uint8
_WORD: Final = {
    _L: "long long int",
    _I: "int",
    _B: "uint8_t",
    ctypes.c_char_p: "char*",
    ctypes.c_void_p: "void*",
}


class _Signed(ctypes.Structure):
    _fields_ = (
        ("tx_type", _B),
        ("tx_info", ctypes.c_void_p),
        ("tx_hash", ctypes.c_void_p),
        ("message", ctypes.c_void_p),
        ("error", ctypes.c_void_p),
    )


class _Text(ctypes.Structure):
    _fields_ = (("text", ctypes.c_void_p), ("error", ctypes.c_void_p))


class _Function(NamedTuple):
    """One function of the library: what it returns, in C and here, and what it takes."""

    returns: str
    type: Any
    takes: tuple[Any, ...]


_SIGNER: Final = ("SignedTxResponse", _Signed)
_TAIL: Final = (_B, _L)  # skip nonce, nonce
_WHO: Final = (_I, _L)  # API key, account
_FEES: Final = (_L, _I, _I, _B, _B)  # integrator and its fees, self-trade behaviour and equality
FUNCTIONS: Final = {
    "CreateClient": _Function("char*", ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_char_p, _I, *_WHO)),
    "CreateAuthToken": _Function("StrOrErr", _Text, (_L, *_WHO)),
    "SignCreateOrder": _Function(*_SIGNER, (_L, _L, _L, *(_I,) * 6, _L, *_FEES, *_TAIL, *_WHO)),
    "SignCancelOrder": _Function(*_SIGNER, (_L, _L, *_TAIL, *_WHO)),
    "SignCancelAllOrders": _Function(*_SIGNER, (_I, _L, _L, *_TAIL, *_WHO)),
    "SignModifyOrder": _Function(*_SIGNER, (_L, _L, _L, _L, _L, *_FEES, *_TAIL, _L, *_WHO)),
    "SignUpdateLeverage": _Function(*_SIGNER, (_L, _I, _I, *_TAIL, *_WHO)),
    "Free": _Function("void", None, (ctypes.c_void_p,)),
}
_STRUCTS: Final = (
    "uint8_t txType; char* txInfo; char* txHash; char* messageToSign; char* err; } SignedTxResponse",
    "char* str; char* err; } StrOrErr",
)
_NO_FEES: Final = (0, 0, 0, 0, 0)


def find_library() -> Path:
    """Return where the library for this machine is.

    Raises:
        ConfigError: it is not installed, of another version, or there is none for this machine.
    """
    try:
        found = distribution(DISTRIBUTION)
    except PackageNotFoundError:
        raise ConfigError("the vendor's signer is not installed", remedy=INSTALL) from None
    if found.version != VERSION:
        raise ConfigError(
            "the vendor's signer is of another version", found=found.version, wanted=VERSION, remedy=INSTALL
        )
    machine = (platform.system(), platform.machine())
    name = _FILES.get(machine)
    path = None if name is None else Path(str(found.locate_file(f"lighter/signers/{name}")))
    if path is None or not path.is_file():
        raise ConfigError("the vendor has no signer for this machine", found=" ".join(machine))
    return path


def check_header(header: str) -> None:
    """Hold the library's header against what is called here.

    Raises:
        ConfigError: a function or a structure is another one.
    """
    plain = " ".join(re.sub(r"\bc[A-Z]\w*", "", header).split())
    for name, function in FUNCTIONS.items():
        wanted = f"extern {function.returns} {name}({', '.join(_WORD[kind] for kind in function.takes)})"
        if wanted not in re.sub(r" (?=[,)])|(?<=\() | ptr(?=\))", "", plain):
            raise ConfigError("the vendor's signer has another interface", found=name, wanted=wanted)
    for wanted in _STRUCTS:
        if wanted not in plain:
            raise ConfigError("the vendor's signer has another interface", wanted=wanted)


class VendorLibrary:
    """Signs with the vendor's library.

    Args:
        key_hex: the API key's 80 hex digits.

    Raises:
        ConfigError: the library is not there, or not the one that this was written for.
    """

    def __init__(self, key_hex: str) -> None:
        path = find_library()
        check_header(path.with_suffix(".h").read_text(encoding="utf-8"))
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lighter-signer")
        self._library = self._worker.submit(_load, path).result()
        self.__key_hex = key_hex
        self._clients: set[tuple[int, int]] = set()
        self._chain_id: int | None = None

    def sign(self, numbers: Sequence[int], attributes: Sequence[int]) -> tuple[int, bytes]:
        """Sign a transaction: when it expires, which the library decides, and 80 bytes.

        Raises:
            LocalError: the library refuses it, or has signed something else.
        """
        return self._worker.submit(self._sign, numbers, attributes).result()

    def sign_token(self, deadline_s: int, account: int, key: int) -> bytes:
        """Sign a token: 80 bytes.

        Raises:
            LocalError: the library refuses it.
        """
        return self._worker.submit(self._sign_token, deadline_s, account, key).result()

    def _sign(self, numbers: Sequence[int], attributes: Sequence[int]) -> tuple[int, bytes]:
        chain_id, kind, nonce, _, account, key, *body = numbers
        self._client(chain_id, account, key)
        market = _EVERY_MARKET
        if attributes:
            if (kind, *attributes[:1], *attributes[2:]) != (_CANCEL_ALL, _CANCEL_ALL_MARKET):
                raise LocalError("the vendor's signer is not asked for these attributes", found=attributes)
            market = attributes[1]
        tail, who = (0, nonce), (key, account)
        match kind:
            case 14:
                made = self._library.SignCreateOrder(*body, *_NO_FEES, *tail, *who)
            case 15:
                made = self._library.SignCancelOrder(*body, *tail, *who)
            case cancels_all if cancels_all == _CANCEL_ALL:
                made = self._library.SignCancelAllOrders(*body, market, *tail, *who)
            case 17:
                made = self._library.SignModifyOrder(*body, *_NO_FEES, *tail, 0, *who)
            case _:
                made = self._library.SignUpdateLeverage(*body, *tail, *who)
        parts = (made.tx_info, made.tx_hash, made.message, made.error)
        info, _, _, error = (self._text(each) for each in parts)
        if error or not info:
            raise LocalError("the vendor's signer refuses", found=error[:200])
        told = json.loads(info)
        signed = list(told.values())[: 2 + len(body)]
        if (signed, told["Nonce"], made.tx_type) != ([account, key, *body], nonce, kind):
            raise LocalError("the vendor's signer has signed something else", found=info[:200])
        return int(told["ExpiredAt"]), b64decode(told["Sig"], validate=True)

    def _sign_token(self, deadline_s: int, account: int, key: int) -> bytes:
        # A token does not depend on the network; whoever signed before has a client already.
        self._client(304 if self._chain_id is None else self._chain_id, account, key)
        made = self._library.CreateAuthToken(deadline_s, key, account)
        text, error = self._text(made.text), self._text(made.error)
        if error or not text:
            raise LocalError("the vendor's signer refuses", found=error[:200])
        return bytes.fromhex(text.rpartition(":")[2])

    def _client(self, chain_id: int, account: int, key: int) -> None:
        """Give the library the key of an account, once; it keeps one chain for each."""
        if chain_id != self._chain_id:
            self._clients.clear()
            self._chain_id = chain_id
        if (account, key) in self._clients:
            return
        # The address is for requests, of which none is made.
        secret = self.__key_hex.encode("ascii")
        failed = self._library.CreateClient(b"http://127.0.0.1:9", secret, chain_id, key, account)
        if self._text(failed):
            raise LocalError("the vendor's signer does not take the key", wanted="80 hex digits")
        self._clients.add((account, key))

    def _text(self, pointer: int | None) -> str:
        """Copy a text of the library's and give it back."""
        if not pointer:
            return ""
        text = ctypes.string_at(pointer).decode("utf-8", "replace")
        self._library.Free(pointer)
        return text

    def __repr__(self) -> str:
        return "VendorLibrary(********)"

    def __reduce__(self) -> NoReturn:
        raise LocalError("a signer is not copied or stored", remedy="make another one from the key")


def _load(path: Path) -> Any:  # noqa: ANN401  # functions are found by name
    library = ctypes.CDLL(str(path))
    for name, function in FUNCTIONS.items():
        called: Callable[..., Any] = getattr(library, name)
        called.argtypes, called.restype = list(function.takes), function.type  # type: ignore[attr-defined]  # ctypes'
    return library
