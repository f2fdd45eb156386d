"""The Poseidon hash is the one that independent libraries make."""

from __future__ import annotations

import pytest

from paraphina_core.connector import STARK_PRIME, poseidon_many
from paraphina_core.domain import LocalError

#: Made with poseidon-py 0.2.0 (MIT).
CASES = (
    (
        (0x4D2BE0A0B558640CFFF0548EFBA442738E0B77D5F860C3606A0DEB1ADBCE5D,),
        0x1ADDA006F955E6CBB6C2258895F8EE88C86677515B007D517A4462E34AC1519,
    ),
    (
        (
            0x74FA94100D935344387EE7B7D42646F3E9B768FAE4001E3880CB401A0506098,
            0x17898198902DAFCE5D9FE8180C2B5F1EEB89FF1BF8E51AA11F2D44DCC35E834,
        ),
        0x4DF25668F42231718118F3701BE04EC9215FC50C1D3C6A9DE338ACF8C00D196,
    ),
    (
        (
            0x3B1185D348922D7C1A624DCBAB5B3733C1AE91743FB9FBCD89C36B2130F27B2,
            0x13A539761EF7BD1D874BC797E736D5F75D8D8A4F9C9C679A661F62CBD65680C,
            0x7B7FEC403312EAD222930AE9158D4A89F03BC5A4DEE4812B16107F1BE437C7B,
        ),
        0x7A63CA5FF29C1D08529A6AF0450C6BDE9FCC44A33BCAD24F5100281801CEFE3,
    ),
)


@pytest.mark.parametrize(("elements", "wanted"), CASES)
def test_hashes_are_those_of_an_independent_library(elements: tuple[int, ...], wanted: int) -> None:
    """Odd and even numbers of elements, padded differently."""
    assert poseidon_many(elements) == wanted


@pytest.mark.parametrize("element", [-1, STARK_PRIME])
def test_what_is_no_element_of_the_field_is_refused(element: int) -> None:
    """It would have the hash of another number."""
    with pytest.raises(LocalError):
        poseidon_many([element])
