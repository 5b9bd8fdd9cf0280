"""A mail as a file (.eml, RFC 5322): who wrote to whom, when, about what, and its text.

Nothing of it is run or fetched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from html.parser import HTMLParser

LONGEST = 20_000
BROKEN = (ValueError, LookupError, AttributeError, TypeError)
"""What the parser raises over headers and parts that were made to break it."""


@dataclass(frozen=True)
class Mail:
    """people: the addresses of sender and receivers, in lower case, the sender first; at: None where it has none."""

    subject: str
    sender: str
    receivers: str
    people: tuple[str, ...]
    at: datetime | None
    text: str
    message_id: str


def read(content: bytes) -> Mail | None:
    """The mail; None where the file is none."""
    message = BytesParser(policy=policy.default).parsebytes(content)
    if not isinstance(message, EmailMessage) or not (message["From"] or message["Subject"]):
        return None
    sender, receivers = _line(message, "From"), _line(message, "To")
    addresses = getaddresses([sender, receivers, _line(message, "Cc")])
    return Mail(
        subject=_line(message, "Subject"),
        sender=sender,
        receivers=receivers,
        people=tuple(dict.fromkeys(address.lower() for _name, address in addresses if "@" in address)),
        at=_moment(_line(message, "Date")),
        text=_text(message)[:LONGEST],
        message_id=_line(message, "Message-ID").strip("<> "),
    )


def _line(message: EmailMessage, name: str) -> str:
    """A header on one line; one that cannot be decoded is as it stands."""
    try:
        return _clean(str(message.get(name, "")))
    except BROKEN:
        return ""


def _clean(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\x00", "")).strip()


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _text(message: EmailMessage) -> str:
    """The plain part, else the words of the HTML one."""
    try:
        part = message.get_body(preferencelist=("plain", "html"))
    except BROKEN:
        part = None
    if part is None:
        return ""
    try:
        content = str(part.get_content())
    except BROKEN:  # a charset that nobody knows
        payload = part.get_payload(decode=True)
        content = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    if part.get_content_type() == "text/html":
        content = _Words.of(content)
    return content.replace("\x00", "").replace("\r\n", "\n").strip()


class _Words(HTMLParser):
    """The text between the tags, a line for each block; without scripts and styles."""

    BLOCKS = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "blockquote", "table"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.hidden = 0

    @classmethod
    def of(cls, html: str) -> str:
        words = cls()
        words.feed(html)
        lines = ("".join(words.found)).splitlines()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(line.strip() for line in lines))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("script", "style", "head")
        if tag in self.BLOCKS:
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style", "head") and self.hidden > 0

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.found.append(data)
