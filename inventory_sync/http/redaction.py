"""Taking secrets out of what we log: headers, addresses, bodies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

HIDDEN = "***"

_SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-shopify-access-token",
        "x-amz-access-token",
        "x-amz-security-token",
        "x-authorization",
    }
)
_WORDS = (
    r"(?:[a-z0-9]+[_-])*(?:access_?token|refresh_?token|subject_?token|restricted_?data_?token|token|client_?secret|secret|password|passwd|"
    r"api_?key|authorization|auth_?code|spapi_oauth_code|code_verifier|signature|hmac|x-amz-signature|x-amz-credential|x-goog-signature)"
)
_SECRET_NAME = re.compile(rf"^(?:{_WORDS}|code)$", re.IGNORECASE)
_JSON_PAIR = re.compile(rf'("{_WORDS}"\s*:\s*)"(?:[^"\\]|\\.)*("|$)', re.IGNORECASE)
_FORM_PAIR = re.compile(rf"\b({_WORDS}|(?<![\w])code)=([^&\s\"'<>]+)", re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=|-]{6,}", re.IGNORECASE)
_SAID_TOKEN = re.compile(
    r"\b(Invalid access token:\s*)[^\s\"\\\\}<]+", re.IGNORECASE
)  # Flipkart repeats the token in its 401
_KNOWN_TOKENS = re.compile(r"\b(?:shp(?:at|ca|pa|ss|rt|ua)_[A-Za-z0-9_-]+|Atz[ar]\|[A-Za-z0-9._~+/=-]+)")


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers for a log line: credentials replaced, the rest as it is."""
    return {
        name: HIDDEN if name.lower() in _SECRET_HEADERS or _SECRET_NAME.match(name) else value
        for name, value in headers.items()
    }


def redact_url(url: str) -> str:
    """An address for a log line: no user part, no secret query values."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    host = parts.netloc.rpartition("@")[2]
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = "&".join(
        f"{quote(name, safe='')}={HIDDEN if _SECRET_NAME.match(name) else quote(value, safe=',:')}"
        for name, value in pairs
    )
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def redact_text(text: str, *, limit: int = 500) -> str:
    """The beginning of a body for a log line or an error: JSON and form secrets, bearer values and known token shapes replaced."""
    shown = text[: limit * 4]
    shown = _SAID_TOKEN.sub(rf"\g<1>{HIDDEN}", shown)
    shown = _JSON_PAIR.sub(rf'\g<1>"{HIDDEN}\g<2>', shown)
    shown = _FORM_PAIR.sub(rf"\g<1>={HIDDEN}", shown)
    shown = _BEARER.sub(rf"\g<1> {HIDDEN}", shown)
    shown = _KNOWN_TOKENS.sub(HIDDEN, shown)
    return shown[:limit]
