"""Finding a person by what people call them: id in the source system, name, or our own id as "#7"."""

from __future__ import annotations

from xiaoguan.base.words import did_you_mean
from xiaoguan.people.models import Person


class Ambiguous(LookupError):
    """Several people fit; says how to name one of them."""


def find_person(text: str) -> Person:
    """By "275" (id in the source system), "adventureworks:275", a name, or "#7". Raises LookupError, Ambiguous."""
    if text.startswith("#") and text[1:].isdigit():
        found = list(Person.objects.filter(pk=int(text[1:])))
    else:
        source, _colon, number = text.rpartition(":")
        rows = Person.objects.filter(external_id=number)
        found = list(rows.filter(source=source) if source else rows) or list(Person.objects.filter(name=text))
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(
            f"{p.source}:{p.external_id} ({p.name})" if p.source else f"#{p.pk} ({p.name})" for p in found
        )
        raise Ambiguous(f"'{text}' may be {names}; name one of them like that.")
    near = did_you_mean(text, Person.objects.values_list("name", flat=True)[:5_000])
    raise LookupError(f"Nobody is called '{text}'. {near}".rstrip())


def key_of(person: Person) -> str:
    """What stands for a person in answers: the id in the source system, else our own as "#7"."""
    return person.external_id or f"#{person.pk}"
