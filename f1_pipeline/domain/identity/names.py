"""Comparing the names of people between sources that spell them differently."""

from __future__ import annotations

import unicodedata

_SUFFIXES = frozenset({"jr", "sr"})


def words(text: str) -> list[str]:
    """The words of a name without accents, capitals, hyphens and full stops; ``jr`` is dropped.

    F1DB has "Carlos Sainz Jr." and "Héctor Rebaque", Ergast "Carlos Sainz" and "Hector Rebaque". Fathers and sons
    are told apart by their dates of birth.
    """
    letters = unicodedata.normalize("NFKD", text.replace("-", " ").replace(".", " "))
    folded = "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()
    return [word for word in folded.split() if word not in _SUFFIXES]


def same_name(one: str, other: str) -> bool:
    """Equal but for accents, capitals and the like."""
    return words(one) == words(other)


def same_person(given: str, family: str, other_given: str, other_family: str) -> bool:
    """Whether two names may be one person's: the same family name, and one given name within the other.

    Given names differ in how many of them are used: "Andrea Kimi" and "Kimi" Antonelli. A name that is empty agrees
    with none.
    """
    one, other = set(words(given)), set(words(other_given))
    if not one or not other or not words(family):
        return False
    return (one <= other or other <= one) and same_name(family, other_family)
