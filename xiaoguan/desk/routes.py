"""Addresses found by their first words. Django tries patterns one after the other: some hundred for every request."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.urls import URLPattern, URLResolver
from django.urls.exceptions import Resolver404
from django.urls.resolvers import ResolverMatch, RoutePattern

Route = URLPattern | URLResolver


class ByWord(URLResolver):
    """The same patterns in the same order, of which only those are tried whose first two words can be the address's.

    Where none fits, all are tried again the usual way, which says what was tried.
    """

    @cached_property
    def _begin(self) -> list[tuple[tuple[str, ...], Route]]:
        return [(_words(str(pattern.pattern)), pattern) for pattern in self.url_patterns]

    @cached_property
    def _near(self) -> dict[tuple[str, ...], list[Route]]:
        keys = {()} | {words[:n] for words, _pattern in self._begin for n in range(len(words) + 1)}
        return {key: [p for words, p in self._begin if words == key[: len(words)]] for key in keys}

    def resolve(self, path: Any) -> ResolverMatch:
        text = str(path)
        words = tuple(text.split("/", 2)[:2])
        for pattern in self._near.get(words) or self._near.get(words[:1]) or self._near[()]:
            try:
                found = pattern.resolve(text)
            except Resolver404:
                continue
            if found:
                if isinstance(pattern, URLResolver):
                    found.route = f"{pattern.pattern}{found.route}"
                return found
        return super().resolve(path)


def _words(route: str) -> tuple[str, ...]:
    """The words that the address must begin with, two at most: none where the first word is not fixed."""
    fixed, rest = route.partition("<")[::2]
    words = fixed.split("/")
    if rest or len(words) > 1:  # the last one may go on
        words = words[:-1]
    return tuple(words[:2])


def by_word(patterns: Sequence[Any]) -> list[Any]:
    """These patterns, for `urlpatterns` or `include`."""
    return [ByWord(RoutePattern(""), list(patterns))]
