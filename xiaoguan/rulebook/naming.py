"""What policies call the things whose ids records keep: a policy, a goal, an appraisal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.db import models

from xiaoguan.desk.cells import MISSING
from xiaoguan.people.keeping import until_changed


class ShownField(models.CharField):
    """Text that is kept and exported in one way and shown in another: `spoken` is the function for one page.

    The database knows no difference."""

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs


class DigestField(ShownField):
    """The SHA-256 of a text, of which people need the beginning."""

    def spoken(self) -> Callable[[Any], str]:
        return lambda value: value[:12] if value else MISSING


class LabelField(ShownField):
    """What the engine calls a line: by its own word, which pages translate, or by that of the policy."""

    def spoken(self) -> Callable[[Any], str]:
        from xiaoguan.rulebook.lines import spoken

        return spoken


class NamedField(ShownField):
    """The id of a policy or of one of its parts, kept as it is and shown by its name.

    of    "policy", "goal", "appraisal", or "pay" for a plan or one of its components
    """

    def __init__(self, *args: Any, of: str = "policy", **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.of = of

    def clone(self) -> Any:
        _name, _path, args, kwargs = self.deconstruct()
        return type(self)(*args, of=self.of, **kwargs)

    def spoken(self) -> Callable[[Any], str]:
        names = _names(self.of)
        return lambda value: names.get(value) or value or MISSING

    def formfield(self, **kwargs: Any) -> Any:
        """Chosen by its name."""
        told = {"form_class": NamedFormField, "help_text": "", "of": self.of}
        return models.Field.formfield(self, **{**told, **kwargs})


class NamedSelect(forms.Select):
    """What is kept stays among the choices, even where no policy knows it any more. Without any it is typed."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        if any(key for key, _label in self.choices):
            return super().render(name, value, attrs, renderer)
        return forms.TextInput({**self.attrs, "class": "form-control"}).render(name, value, attrs, renderer)

    def optgroups(self, name: str, value: list[str], attrs: Any = None) -> Any:
        known = {str(key) for key, _label in self.choices}
        self.choices = [*self.choices, *((one, one) for one in value if one and one not in known)]
        return super().optgroups(name, value, attrs)


class NamedFormField(forms.ChoiceField):
    """An id or its name, from a list of the names. An id that no policy knows is as good as in a text."""

    widget = NamedSelect

    def __init__(self, *, of: str, **kwargs: Any):
        self.of = of
        super().__init__(choices=lambda: [("", MISSING), *_names(of).items()], **kwargs)

    def to_python(self, value: Any) -> str:
        said = super().to_python(value)
        return {name: key for key, name in _names(self.of).items()}.get(said, said)

    def valid_value(self, value: str) -> bool:
        return True


def name_of(of: str, key: str) -> str:
    """What the newest policy that knows this id calls it; the id where none does."""
    return _names(of).get(key) or key


@until_changed
def _names(of: str) -> dict[str, str]:
    from xiaoguan.rulebook.versions import document_of, versions

    found: dict[str, str] = {}
    for policy in map(document_of, versions()):  # the newest first
        pay = (part for plan in policy.incentive for part in (plan, *plan.components))
        parts = {"policy": (policy.header,), "goal": policy.goals, "appraisal": policy.appraisal, "pay": pay}[of]
        for one in parts:
            found.setdefault(one.id, one.name)
    return found
