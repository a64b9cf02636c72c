"""Every technique a second time, in plain Python, to hold the SQL against."""

import hmac
import math
import unicodedata
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise

from lakehouse_pipeline.layers import pseudonym_words as words

LISTS = {
    "en": (words.FIRST_EN, words.LAST_EN, words.STREETS_EN, words.TOWNS_EN),
    "de": (words.FIRST_DE, words.LAST_DE, words.STREETS_DE, words.TOWNS_DE),
}


def digits(key: bytes, purpose: str, text: str) -> str:
    """Return the 64 digits of a text under the key of a purpose."""
    if purpose != "hash":
        key = hmac.new(key, f"lakehouse {purpose} 1".encode(), sha256).digest()
    return hmac.new(key, text.encode(), sha256).hexdigest()


def masked(text: str, first: int, last: int, mark: str = "*") -> str:
    """Return the text with its middle masked."""
    if len(text) <= first + last:
        return mark * len(text)
    return text[:first] + mark * (len(text) - first - last) + text[len(text) - last :]


def masked_address(text: str, first: int = 1, last: int = 0) -> str:
    """Return an e-mail address with what stands before the last @ masked."""
    before, at, domain = text.rpartition("@")
    letters = all(sign in ".-" or unicodedata.category(sign)[0] in "LMN" for sign in domain)
    if not before or not domain or not letters:
        return "*" * len(text)
    return masked(before, first, last) + at + domain


SEPARATORS = ("P", "Z", "Sc", "Sm", "Cc", "Cf")
"""Punctuation, spaces, signs of money and of sums, and what controls how a text looks."""


def masked_signs(text: str, first: int, last: int, mark: str = "*") -> str:
    """Return the text with all but separators masked, and but the first and last of these."""
    places = [n for n, c in enumerate(text) if not unicodedata.category(c).startswith(SEPARATORS)]
    kept: set[int] = set()
    if len(places) > first + last:
        kept = {*places[:first], *places[len(places) - last :]}
    return "".join(mark if n in places and n not in kept else c for n, c in enumerate(text))


def pseudonym(kind: str, locale: str, seed: str) -> str:
    """Return a made-up value for 64 digits."""
    first, last, streets, towns = ([w.strip() for w in t.split(",")] for t in LISTS[locale])
    n = [int(seed[i : i + 8], 16) for i in range(0, 32, 8)]

    def word(listed: list[str], place: int) -> str:
        return " ".join(listed[n[place] % len(listed)].split())

    name, surname, street, town = word(first, 0), word(last, 1), word(streets, 0), word(towns, 1)
    number, postal = n[2] % 199 + 1, f"{n[3] % 100000:05}"
    domain = ["example.org", "example.com", "example.net"][n[3] % 3]
    return {
        "firstName": name,
        "lastName": surname,
        "name": f"{name} {surname}",
        "email": f"{name.lower()}.{surname.lower()}.{seed[16:24]}@{domain}",
        "phone": f"+999 {int(seed[:12], 16) % 10**10:010}",
        "address": f"{number} {street}, {town} {postal}"
        if locale == "en"
        else f"{street} {number}, {postal} {town}",
    }[kind]


def binned(value: Decimal, step: Decimal) -> str:
    """Return the half-open range of a number."""
    low = math.floor(value / step) * step
    return f"[{low},{low + step})"


def banded(value: float, edges: Sequence[float]) -> str:
    """Return the band of a number."""
    if value < edges[0]:
        return f"<{edges[0]}"
    for low, high in pairwise(edges):
        if value < high:
            return f"[{low},{high})"
    return f">={edges[-1]}"


def age(born: date, day: date) -> int:
    """Return the years completed on a day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def noisy(value: float, seed: str, scale: float, low: float, high: float) -> float:
    """Return the value with Laplace noise, within its bounds."""
    u = (int(seed[:13], 16) + 0.5) / 2**52
    noise = scale * math.log(2 * u) if u < 0.5 else -scale * math.log(2 * (1 - u))
    return min(max(value + noise, low), high)


def micro_aggregated(values: Sequence[float | None], k: int) -> list[float | None]:
    """Return each value's group mean; null where there are fewer than k values."""
    order = sorted((v, n) for n, v in enumerate(values) if v is not None)
    means: list[float | None] = [None] * len(values)
    for start in range(0, len(order) - k + 1, k):
        end = start + k if len(order) - start >= 2 * k else len(order)
        group = order[start:end]
        for _, n in group:
            means[n] = sum(v for v, _ in group) / len(group)
        if end == len(order):
            break
    return means
