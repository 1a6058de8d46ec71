"""Opaque, case-sensitive ids that the server can resolve without remembering any.

Belongs here: how a mailbox's number and an item's place become an id, and back.
Does not belong here: whether whoever asks may read what the id stands for (``access.py``).
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class ItemKey:
    """What an item id stands for: the mailbox's number, the start, the id among equal starts."""

    number: int
    starts_at: datetime
    item_id: str


@dataclass(frozen=True)
class FolderKey:
    """What a folder id stands for: the mailbox's number, and the folder's distinguished name."""

    number: int
    name: str


def item_id(number: int, starts_at: datetime, key: str) -> str:
    """Return the id of an item: it changes when the item moves, as a real one does."""
    return _encode(f"AAMkI|{number}|{int(starts_at.timestamp())}|{key}")


def folder_id(number: int, name: str) -> str:
    """Return the id of a folder of a mailbox."""
    return _encode(f"AAMkF|{number}|{name}")


def parse_item_id(text: str) -> ItemKey | None:
    """Return what an item id stands for, or None if it is malformed."""
    match _decode(text).split("|", 3):
        case ["AAMkI", number, seconds, key] if _is_number(number) and _is_number(seconds):
            return ItemKey(int(number), datetime.fromtimestamp(int(seconds), UTC), key)
    return None


def parse_folder_id(text: str) -> FolderKey | None:
    """Return what a folder id stands for, or None if it is malformed."""
    match _decode(text).split("|", 2):
        case ["AAMkF", number, name] if _is_number(number):
            return FolderKey(int(number), name)
    return None


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _is_number(text: str) -> bool:
    return text.lstrip("-").isdecimal() and len(text) < 12
