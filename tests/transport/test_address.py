"""What a plan asks to connect to, and to send along, is checked before a socket exists."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import LocalError
from paraphina_core.transport import check_headers, parse_address, verified_tls


@pytest.mark.parametrize(
    ("url", "host", "port", "secure", "target", "authority"),
    [
        ("wss://api.venue.example/ws?x=1&y=%20", "api.venue.example", 443, True, "/ws?x=1&y=%20", ""),
        ("wss://venue.example:8443", "venue.example", 8443, True, "/", "venue.example:8443"),
        ("ws://127.0.0.1:9000/a", "127.0.0.1", 9000, False, "/a", "127.0.0.1:9000"),
        ("ws://localhost", "localhost", 80, False, "/", ""),
        ("ws://[::1]:9000/", "::1", 9000, False, "/", "[::1]:9000"),
        ("wss://203.0.113.7/", "203.0.113.7", 443, True, "/", ""),
    ],
)
def test_a_url_is_taken_apart(
    url: str, host: str, port: int, secure: bool, target: str, authority: str
) -> None:
    """Ports follow the scheme, an empty path is the root."""
    address = parse_address(url, "ws", "wss")
    assert (address.host, address.port, address.secure, address.target) == (host, port, secure, target)
    assert address.authority == (authority or host)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "venue.example/ws",
        "https://venue.example/",
        "wss:///ws",
        "ws://venue.example/",
        "ws://203.0.113.7/",
        "wss://user:secret@venue.example/",
        "wss://@venue.example/",
        "wss://venue.example/#part",
        "wss://venue.example/a b",
        "wss://venue.example/a\r\nX-Evil: 1",
        "wss://venue.example/\t",
        "wss://bücher.example/",
        "wss://venue.example:0/",
        "wss://venue.example:99999/",
        "wss://venue_example/",
        "wss://-venue.example/",
        "wss://venue..example/",
        "wss://" + "a" * 64 + ".example/",
        "wss://" + "a." * 127 + "a/",
        "wss://[::1/",
        "wss://venue.example/" + "a" * 4096,
    ],
)
def test_what_is_not_plainly_a_secure_address_is_refused(url: str) -> None:
    """Plain text beyond this machine, hidden credentials and line breaks are errors of ours."""
    with pytest.raises(LocalError):
        parse_address(url, "ws", "wss")


@given(st.text(max_size=60))
def test_no_text_passes_that_could_break_the_request_line(text: str) -> None:
    """Whatever stands in a URL, a target that passes is one printable ASCII word."""
    try:
        target = parse_address(f"https://venue.example/{text}", "https").target
    except LocalError:
        return
    assert target.isascii()
    assert target.isprintable()
    assert " " not in target


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_header_passes_that_could_end_its_line(name: str, value: str) -> None:
    """A header that passes stays one header."""
    try:
        check_headers({name: value})
    except LocalError:
        return
    line = f"{name}: {value}"
    assert line.isascii()
    assert line.isprintable()
    assert ":" not in name
    assert " " not in name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "1\r\nX-B: 2"),
        ("X-A", "1\n2"),
        ("X-A\r\nX-B", "1"),
        ("X A", "1"),
        ("", "1"),
        ("X-A", "caf\u00e9"),
        ("X-A", " padded"),
        ("Host", "elsewhere.example"),
        ("content-length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "upgrade"),
        ("Sec-WebSocket-Key", "x"),
    ],
)
def test_f007_a_header_that_breaks_the_frame_is_refused_without_showing_its_value(
    name: str, value: str
) -> None:
    """Injected lines and framing headers are errors of ours, and no credential lands in a log."""
    with pytest.raises(LocalError) as raised:
        check_headers({"Authorization": "s3cret", name: value})
    assert "s3cret" not in str(raised.value)


def test_plain_headers_pass() -> None:
    """What venues ask for is allowed, an empty value too."""
    check_headers(
        {"Authorization": "Bearer a.b-c=", "X-Api-Key": "k", "User-Agent": "", "Content-Type": "a/b"}
    )


def test_f006_a_context_that_trusts_anybody_is_refused() -> None:
    """There is no switch that turns verification off, also not by handing a context in."""
    context = ssl.create_default_context()
    context.check_hostname = False
    with pytest.raises(LocalError):
        verified_tls(context)
    context.verify_mode = ssl.CERT_NONE
    with pytest.raises(LocalError):
        verified_tls(context)
    standard = verified_tls()
    assert standard.verify_mode is ssl.CERT_REQUIRED
    assert standard.check_hostname
    assert standard.minimum_version >= ssl.TLSVersion.TLSv1_2
