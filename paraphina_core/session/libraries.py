"""Which libraries are there and do what they should: each is tried on a known answer, not only found."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple


class _Library(NamedTuple):
    """A library: what it is installed as, imported as and good for; None for no known answer."""

    distribution: str
    module: str
    purpose: str
    install: str
    answers: Callable[[Any], bool] | None = None


_REQUIRED: Final = ("msgspec", "pluggy", "click", "rich", "pynacl", "websockets", "h11", "httpx", "zstandard")

#: Public key of the secret key 1 (SEC 2, the generator of secp256k1).
_GENERATOR: Final = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#: Keccak-256 of nothing; SHA3-256 of nothing is another.
_EMPTY_KECCAK: Final = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
#: Pedersen hash of two zeros: the x coordinate of the point that every such hash begins at.
_EMPTY_PEDERSEN: Final = 0x49EE3EBA8C1600700EE1B87EB599F16716B0B1022947733551FDE4050CA6804
_ONE: Final = (1).to_bytes(32)


def _signs(coincurve: Any) -> bool:  # noqa: ANN401  # a library that may be missing
    key = coincurve.PrivateKey(_ONE)
    signature = key.sign_recoverable(_ONE, hasher=None)
    recovered = coincurve.PublicKey.from_signature_and_message(signature, _ONE, hasher=None)
    return str(key.public_key.format().hex()) == _GENERATOR == str(recovered.format().hex())


def _hashes_on_the_stark_curve(library: Any) -> bool:  # noqa: ANN401  # same
    return int(library.pedersen_hash(0, 0)) == _EMPTY_PEDERSEN


def _hashes(sha3: Any) -> bool:  # noqa: ANN401  # same
    return str(sha3.keccak_256(b"").hexdigest()) == _EMPTY_KECCAK


OPTIONAL: Final = (
    _Library("coincurve", "coincurve", "secp256k1 signing", "pip install 'coincurve>=21,<22'", _signs),
    _Library("safe-pysha3", "sha3", "Keccak-256", "pip install 'safe-pysha3>=1.0.7,<2'", _hashes),
    _Library(
        "fast-stark-crypto",
        "fast_stark_crypto",
        "STARK signing",
        "pip install 'fast-stark-crypto>=0.5,<0.6'",
        _hashes_on_the_stark_curve,
    ),
    _Library("uvicorn", "uvicorn", "twin server", "pip install '.[twin]' in the checkout"),
)


def examine_libraries() -> Iterator[tuple[str, str, str, str]]:
    """Yield what each library is, `ok`, `warn` or `fail`, what was found and what to do."""
    versions = {name: _version(name) for name in _REQUIRED}
    missing = [name for name, version in versions.items() if not version]
    if missing:
        yield "libraries", "fail", f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}"
    else:
        found = ", ".join(f"{name} {version}" for name, version in versions.items())
        yield "libraries", "ok", found, ""
    for library in OPTIONAL:
        yield (library.purpose, *_tried(library))


def _tried(library: _Library) -> tuple[str, str, str]:
    version = _version(library.distribution)
    if not version:
        return "warn", f"{library.distribution} is not installed", library.install
    name = f"{library.distribution} {version}"
    try:
        module = importlib.import_module(library.module)
        works = library.answers is None or library.answers(module)
    except Exception as e:  # noqa: BLE001  # a wheel of another platform fails in its own way
        return "fail", f"{name} does not work: {type(e).__name__}: {e}", f"Reinstall: {library.install}"
    if not works:
        return "fail", f"{name} gives a wrong answer", f"Do not trade; reinstall: {library.install}"
    return "ok", f"{name}, {'checked' if library.answers else 'imported'}", ""


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
