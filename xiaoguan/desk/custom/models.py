"""The definitions of what a company added."""

from __future__ import annotations

from secrets import randbits
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


def said(english: str, chinese: str) -> str:
    """The words in the language of the moment; the other where one is missing."""
    return (chinese or english) if (get_language() or "").startswith("zh") else (english or chinese)


class DefinitionStamp(models.Model):
    """One row whose number changes with every definition; a process that has seen another one reads them again."""

    number = models.BigIntegerField(default=0)

    @classmethod
    def now(cls) -> int:
        return cls.objects.filter(pk=1).values_list("number", flat=True).first() or 0

    @classmethod
    def turn(cls) -> None:
        cls.objects.update_or_create(pk=1, defaults={"number": randbits(62)})


class CustomEntity(models.Model):
    """自定义对象: a kind of record that the company added.

    slug      its word in addresses: /x/<slug>/; the entity's key is x_<slug>
    owned     records have an owner, and rights follow the owner
    """

    slug = models.CharField(_("word in addresses"), max_length=30, unique=True)
    name_en = models.CharField(_("name in English"), max_length=60, blank=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=60, blank=True)
    plural_en = models.CharField(_("plural in English"), max_length=60, blank=True)
    title_en = models.CharField(_("what its records are known by, in English"), max_length=60, blank=True)
    title_zh = models.CharField(_("what its records are known by, in Chinese"), max_length=60, blank=True)
    icon = models.CharField(_("icon"), max_length=40, default="notebook")
    place = models.CharField(_("place in the menu"), max_length=20, default="customers")
    owned = models.BooleanField(_("records have an owner"), default=True)
    retired_at = models.DateTimeField(null=True)
    made_by = models.BigIntegerField(null=True)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name, verbose_name_plural = _("kind of record"), _("kinds of records")

    def __str__(self) -> str:
        return said(self.name_en, self.name_zh) or self.slug

    @property
    def key(self) -> str:
        return f"x_{self.slug}"

    @property
    def table(self) -> str:
        return f"x_{self.slug}"


class CustomField(models.Model):
    """自定义字段: a column that the company added to a kind of record.

    name      x_ and its word; the column has the same name (money: with _units)
    choices   [[value, English, Chinese]]; target: the entity that a relation leads to
    formula   over the record's own fields; result: what kind of value it gives
    currency  of money where the record keeps no currency of its own
    row, place   where it stands in the form: fields of one row stand side by side
    """

    class Kind(models.TextChoices):
        TEXT = "text", _("text")
        LONG = "long", _("long text")
        NUMBER = "number", _("number")
        MONEY = "money", _("money")
        PERCENT = "percent", _("percentage")
        DATE = "date", _("date")
        BOOL = "bool", _("yes or no")
        CHOICE = "choice", _("one of several")
        CHOICES = "choices", _("any of several")
        PERSON = "person", _("person")
        RELATION = "relation", _("related record")
        FORMULA = "formula", _("formula")

    RESULTS: ClassVar = ("number", "money", "percent", "text", "date", "bool")

    entity = models.CharField(max_length=40)
    name = models.CharField(_("word in the API"), max_length=40)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    label_en = models.CharField(_("name in English"), max_length=60, blank=True)
    label_zh = models.CharField(_("name in Chinese"), max_length=60, blank=True)
    help_en = models.CharField(_("help in English"), max_length=200, blank=True)
    help_zh = models.CharField(_("help in Chinese"), max_length=200, blank=True)
    required = models.BooleanField(_("must be filled in"), default=False)
    unique = models.BooleanField(_("no two records may have the same"), default=False)
    filtered = models.BooleanField(_("among the filters"), default=False)
    listed = models.BooleanField(_("a column of the list"), default=False)
    searched = models.BooleanField(_("found by search"), default=False)
    default = models.CharField(_("filled in beforehand"), max_length=200, blank=True)
    choices = models.JSONField(default=list)
    target = models.CharField(_("leads to"), max_length=40, blank=True)
    formula = models.CharField(_("formula"), max_length=500, blank=True)
    result = models.CharField(_("gives"), max_length=8, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    row = models.PositiveSmallIntegerField(_("row of the form"), default=1)
    place = models.PositiveSmallIntegerField(_("place in the row"), default=1)
    retired_at = models.DateTimeField(null=True)
    made_by = models.BigIntegerField(null=True)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name, verbose_name_plural = _("field"), _("fields")
        constraints = [
            models.UniqueConstraint(fields=["entity", "name"], name="one_custom_field"),
            models.CheckConstraint(condition=Q(name__startswith="x_"), name="custom_fields_begin_with_x"),
        ]

    def __str__(self) -> str:
        return said(self.label_en, self.label_zh) or self.name

    @property
    def stored_kind(self) -> str:
        """What the column holds: the result of a formula, the kind itself."""
        return self.result if self.kind == self.Kind.FORMULA else self.kind

    def words(self) -> dict[str, Any]:
        """What an event keeps of it."""
        names = ("kind", "label_en", "label_zh", "required", "unique", "filtered", "listed", "searched", "default")
        return {n: getattr(self, n) for n in (*names, "choices", "target", "formula", "result", "row", "place")}
