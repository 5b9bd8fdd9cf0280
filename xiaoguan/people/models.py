"""组织: people, where they stand, and from when until when."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from secrets import randbits, token_urlsafe
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from xiaoguan.desk.access import DEEDS, LEVELS, SCOPES
from xiaoguan.desk.attached import attaches
from xiaoguan.desk.cells import day_text
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.fields import CountryField, EmailField, ExactField, MoneyField, PhoneField, single
from xiaoguan.desk.records import Dated, Record
from xiaoguan.desk.statements import kept_cursor

_seen: ContextVar[list[int] | None] = ContextVar("stamp", default=None)


@contextmanager
def asked_once() -> Iterator[None]:
    """Inside the block (a request) the database is asked for the stamp once."""
    token = _seen.set([])
    try:
        yield
    finally:
        _seen.reset(token)


class OrganisationStamp(models.Model):
    """One row whose number changes with every change of the organisation, so that what was worked out can be kept.

    The number is drawn by chance: one that was seen in a transaction that failed never comes again.
    """

    number = models.BigIntegerField(default=0)

    @classmethod
    def now(cls) -> int:
        """The number as it stands; inside `asked_once` as it stood at the first question, until it is turned there."""
        seen = _seen.get()
        if seen:
            return seen[0]
        with kept_cursor() as cursor:  # asked by every request: plain SQL costs a tenth of the ORM's
            cursor.execute("SELECT number FROM people_organisationstamp WHERE id = 1")
            row = cursor.fetchone()
        number = row[0] if row else 0
        if seen is not None:
            seen.append(number)
        return number

    @classmethod
    def turn(cls) -> None:
        _seen.set(None)
        number = randbits(62)
        if not cls.objects.filter(pk=1).update(number=number):
            cls.objects.get_or_create(pk=1, defaults={"number": number})


class Organised(Record):
    """Common part of what decides who may see what: a change turns the stamp."""

    class Meta(Record.Meta):
        abstract = True

    @classmethod
    def derive(cls, ids: Collection[int]) -> None:
        OrganisationStamp.turn()

    def delete(self, **kwargs: Any) -> Any:
        answer = super().delete(**kwargs)
        OrganisationStamp.turn()
        return answer


class Role(Organised):
    """角色: what somebody may do and which rules of the policy address them."""

    code = models.SlugField(_("code"), max_length=40, unique=True, help_text=_("The id that policies use."))
    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=200, blank=True)

    GROWS = False

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("role"), _("roles")

    def __str__(self) -> str:
        return self.name


class Position(Record):
    """岗位: a place in the organisation, such as 销售顾问."""

    name = models.CharField(_("name"), max_length=80)
    level = single(models.PositiveSmallIntegerField(_("level"), default=0))

    GROWS = False

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("position"), _("positions")

    def __str__(self) -> str:
        return self.name


class Person(Organised):
    """人员: somebody who works here, with or without an account."""

    name = models.CharField(_("name"), max_length=80)
    email = EmailField(_("e-mail"), blank=True)
    phone = PhoneField(_("phone"), max_length=40, blank=True)
    position = models.ForeignKey(Position, models.PROTECT, null=True, blank=True, verbose_name=_("position"))
    hired_on = models.DateField(_("hired"), null=True, blank=True)
    left_on = models.DateField(_("left"), null=True, blank=True, help_text=_("The first day they are gone."))

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("person"), _("people")
        indexes: ClassVar = [models.Index(fields=["name", "id"], name="person_list")]

    def __str__(self) -> str:
        return self.name


class Team(Organised):
    """团队: people who work together; teams form a tree."""

    name = models.CharField(_("name"), max_length=80)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )
    leader = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="teams_led", verbose_name=_("leader")
    )

    GROWS = False

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("team"), _("teams")

    def __str__(self) -> str:
        return self.name


class Territory(Record):
    """区域: where one sells; territories form a tree."""

    name = models.CharField(_("name"), max_length=80)
    code = models.CharField(_("code"), max_length=20, blank=True)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )
    country = CountryField(_("country"), max_length=2, blank=True, help_text=_("ISO code, such as CN."))

    GROWS = False

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("territory"), _("territories")

    def __str__(self) -> str:
        return self.name


class Placing(Dated, Organised):
    """Common part of dated placements of a person: two of one kind may not overlap where `ALONE` names the fields."""

    ALONE: tuple[str, ...] = ("person",)

    person = models.ForeignKey(Person, models.CASCADE, verbose_name=_("person"), related_name="%(class)ss")

    class Meta(Dated.Meta):
        abstract = True
        indexes: ClassVar = [models.Index(fields=["-starts_on", "-id"], name="%(class)s_list")]

    def clean(self) -> None:
        super().clean()
        same = {f"{name}_id": getattr(self, f"{name}_id") for name in self.ALONE}
        if not self.starts_on or None in same.values():
            return
        others = type(self).objects.filter(**same).exclude(pk=self.pk)
        if self.ends_on:
            others = others.filter(starts_on__lt=self.ends_on)
        clash = others.filter(models.Q(ends_on__isnull=True) | models.Q(ends_on__gt=self.starts_on)).first()
        if clash:
            raise ValidationError(
                _("%(other)s already holds from %(from)s; end it first.")
                % {"other": clash, "from": clash.starts_on.isoformat()}
            )


class Membership(Placing):
    """团队成员: a person belongs to a team from one day until another."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships", verbose_name=_("team"))

    class Meta(Placing.Meta):
        verbose_name, verbose_name_plural = _("membership"), _("memberships")

    def __str__(self) -> str:
        return f"{self.person} · {self.team}"


class ReportingLine(Placing):
    """汇报关系: whom a person reports to, from one day until another."""

    manager = models.ForeignKey(Person, models.CASCADE, related_name="reporting_lines", verbose_name=_("manager"))

    class Meta(Placing.Meta):
        verbose_name, verbose_name_plural = _("reporting line"), _("reporting lines")

    def __str__(self) -> str:
        return f"{self.person} → {self.manager}"

    def clean(self) -> None:
        super().clean()
        if self.person_id and self.person_id == self.manager_id:
            raise ValidationError({"manager": _("Nobody reports to themselves.")})


class RoleAssignment(Placing):
    """任职: a person holds a role from one day until another."""

    ALONE = ("person", "role")

    role = models.ForeignKey(Role, models.PROTECT, related_name="assignments", verbose_name=_("role"))

    class Meta(Placing.Meta):
        verbose_name, verbose_name_plural = _("role assignment"), _("role assignments")

    def __str__(self) -> str:
        return f"{self.person} · {self.role}"


class TerritoryAssignment(Placing):
    """区域归属: a person covers a territory from one day until another."""

    ALONE = ("person", "territory")

    territory = models.ForeignKey(Territory, models.PROTECT, related_name="assignments", verbose_name=_("territory"))

    class Meta(Placing.Meta):
        verbose_name, verbose_name_plural = _("territory assignment"), _("territory assignments")

    def __str__(self) -> str:
        return f"{self.person} · {self.territory}"


class Deputy(Placing):
    """代理: while somebody is away, another sees and does for them what they may."""

    ALONE = ("person", "deputy")

    deputy = models.ForeignKey(Person, models.CASCADE, related_name="stands_in", verbose_name=_("deputy"))
    reason = models.CharField(_("reason"), max_length=80, blank=True)

    class Meta(Placing.Meta):
        verbose_name, verbose_name_plural = _("deputy"), _("deputies")

    def __str__(self) -> str:
        return f"{self.person} → {self.deputy}"

    def clean(self) -> None:
        super().clean()
        if self.person_id and self.person_id == self.deputy_id:
            raise ValidationError({"deputy": _("Nobody stands in for themselves.")})


class Absence(Placing):
    """缺勤: when somebody was away and why, where a goal of the policy is relieved for it."""

    kind = models.CharField(_("kind"), max_length=40, help_text=_("As the policy names it, such as maternity."))
    note = models.CharField(_("note"), max_length=160, blank=True)

    class Meta(Placing.Meta):
        verbose_name, verbose_name_plural = _("absence"), _("absences")

    def __str__(self) -> str:
        return f"{self.person} · {self.kind}"


class Grant(Organised):
    """权限: what people with a role may do with one kind of record, where the company differs from the product."""

    role = models.ForeignKey(Role, models.CASCADE, related_name="grants", verbose_name=_("role"))
    entity = models.CharField(_("kind of record"), max_length=40)
    deed = models.CharField(_("deed"), max_length=60, help_text=_("read, write, create, delete, export or verb:name."))
    scope = models.CharField(_("how far"), max_length=8, choices=list(SCOPES.items()))

    GROWS = False
    TITLE = "entity"
    EXAMPLE: ClassVar = {"entity": "customer", "deed": "read", "scope": "team"}

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("permission"), _("permissions")
        constraints: ClassVar = [
            *Record.Meta.constraints,
            models.UniqueConstraint(fields=["role", "entity", "deed"], name="one_grant_a_deed"),
        ]

    def __str__(self) -> str:
        return f"{self.role} · {self.entity} · {self.deed}"

    def clean(self) -> None:
        super().clean()
        desk = desk_of(self.entity)
        if desk is None:
            raise ValidationError({"entity": _("There is no kind of record “%(name)s”.") % {"name": self.entity}})
        deeds = [*DEEDS, *(f"verb:{verb.name}" for verb in desk.verbs)]
        if self.deed not in deeds:
            raise ValidationError(
                {"deed": _("“%(deed)s” is none of %(deeds)s.") % {"deed": self.deed, "deeds": ", ".join(deeds)}}
            )


class FieldLevel(Organised):
    """字段权限: how far people with a role may see and change one field."""

    role = models.ForeignKey(Role, models.CASCADE, related_name="field_levels", verbose_name=_("role"))
    entity = models.CharField(_("kind of record"), max_length=40)
    field = models.CharField(_("field"), max_length=60)
    level = models.CharField(_("level"), max_length=8, choices=list(LEVELS.items()))

    GROWS = False
    TITLE = "entity"
    EXAMPLE: ClassVar = {"entity": "customer", "field": "phone", "level": "masked"}

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("field permission"), _("field permissions")
        constraints: ClassVar = [
            *Record.Meta.constraints,
            models.UniqueConstraint(fields=["role", "entity", "field"], name="one_level_a_field"),
        ]

    def __str__(self) -> str:
        return f"{self.role} · {self.entity}.{self.field}"

    def clean(self) -> None:
        super().clean()
        desk = desk_of(self.entity)
        if desk is None:
            raise ValidationError({"entity": _("There is no kind of record “%(name)s”.") % {"name": self.entity}})
        names = [f.name for f in desk.model._meta.concrete_fields if f.name not in desk.model.BOOKKEEPING]
        if self.field not in names:
            raise ValidationError(
                {"field": _("“%(field)s” is none of %(fields)s.") % {"field": self.field, "fields": ", ".join(names)}}
            )
        if self.field == desk.title_field and self.level in ("none", "masked"):
            raise ValidationError({"level": _("The name by which people know a record cannot be hidden.")})


@attaches
class Share(Organised):
    """共享: one record is open to a person or a team who would not see it, until a day."""

    class Right(models.TextChoices):
        READ = "read", _("may read it")
        WRITE = "write", _("may change it")

    entity = models.CharField(_("kind of record"), max_length=40, editable=False)
    record_id = models.BigIntegerField(_("record"), editable=False)
    person = models.ForeignKey(
        Person, models.CASCADE, null=True, blank=True, related_name="shares", verbose_name=_("person")
    )
    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="shares", verbose_name=_("team"))
    right = models.CharField(_("right"), max_length=5, choices=Right, default=Right.READ)
    ends_on = models.DateField(_("until"), null=True, blank=True, help_text=_("The first day it no longer holds."))

    TITLE = "entity"

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("share"), _("shares")
        indexes: ClassVar = [models.Index(fields=["entity", "record_id"], name="share_of_record")]

    def __str__(self) -> str:
        return f"{self.person or self.team} · {self.get_right_display()}"

    def clean(self) -> None:
        super().clean()
        if (self.person_id is None) == (self.team_id is None):
            raise ValidationError(_("Share with a person or with a team."))
        if self.ends_on and self.ends_on <= timezone.localdate():
            raise ValidationError({"ends_on": _("The end must be later than today.")})


class PayTerms(Placing):
    """薪酬约定: agreed with one person; policies read it as `person.commission_percent`, `person.bonus`."""

    commission_percent = ExactField(_("commission"), places=6, percent=True, null=True, blank=True)
    bonus = MoneyField(_("bonus when the goal is met"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3)

    class Meta(Placing.Meta):
        verbose_name, verbose_name_plural = _("pay terms"), _("pay terms")

    def __str__(self) -> str:
        return f"{self.person} · {day_text(self.starts_on)}"


class TrainingResult(Record):
    """培训成绩: somebody took part in a training, and the mark of its test; policies read it as `trainings`."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="trainings", verbose_name=_("person"))
    course = models.CharField(_("course"), max_length=80, help_text=_("As the policy names it."))
    passed_on = models.DateField(_("day"), default=timezone.localdate)
    mark = ExactField(_("mark"), places=2, null=True, blank=True, help_text=_("Of 100; empty where there is no test."))

    TITLE = "course"

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("training result"), _("training results")
        indexes: ClassVar = [models.Index(fields=["-passed_on", "-id"], name="training_list")]

    def __str__(self) -> str:
        return f"{self.person} · {self.course}"


class Account(AbstractUser):
    """账号: how a person signs in."""

    first_name = last_name = None
    person = models.OneToOneField(
        Person, models.PROTECT, null=True, blank=True, related_name="account", verbose_name=_("person")
    )
    language = models.CharField(_("language"), max_length=10, blank=True)

    REQUIRED_FIELDS: list[str] = []

    class Meta:
        verbose_name, verbose_name_plural = _("account"), _("accounts")

    def get_full_name(self) -> str:
        return self.person.name if self.person else self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.person and not self.email:
            self.email = self.person.email
        super().save(*args, **kwargs)
        if kwargs.get("update_fields") != ["last_login"]:
            OrganisationStamp.turn()


class Token(models.Model):
    """访问令牌: lets a program sign in as an account, within its scopes; only a digest of it is kept.

    scopes    words such as "read", "write", "customer:read"; writing includes reading.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="tokens")
    name = models.CharField(_("name"), max_length=60)
    hint = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.CharField(_("scopes"), max_length=400, default="read")
    created_at = models.DateTimeField(default=timezone.now)
    expires_on = models.DateField(_("until"), null=True, blank=True)
    used_on = models.DateField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("access token"), _("access tokens")

    _FOUND: ClassVar = ("id", "account_id", "scopes", "expires_on", "used_on")
    _FIND: ClassVar = (
        "SELECT t.id, t.account_id, t.scopes, t.expires_on, t.used_on FROM people_token t"
        " JOIN people_account a ON a.id = t.account_id WHERE t.digest = %s AND a.is_active"
    )

    @classmethod
    def issue(cls, account: Account, name: str, scopes: str, expires_on: Any = None) -> tuple[Token, str]:
        """A new token and its text, which is told once and never kept."""
        text = f"xg_{token_urlsafe(32)}"
        token = cls(account=account, name=name, scopes=scopes, expires_on=expires_on, hint=text[:8])
        token.digest = sha256(text.encode()).hexdigest()
        token.save()
        return token, text

    @classmethod
    def find(cls, text: str) -> Token | None:
        """The token of this text with its account, if both may still be used."""
        from xiaoguan.people.keeping import account_of

        today = timezone.localdate()
        with kept_cursor() as cursor:  # asked by every request of a program: plain SQL costs a fifth of the ORM's
            cursor.execute(cls._FIND, [sha256(text.encode()).hexdigest()])
            row = cursor.fetchone()
        if row is None:
            return None
        token = cls.from_db(connection.alias, cls._FOUND, row)
        if token.expires_on and token.expires_on <= today:
            return None
        token.account = account_of(token.account_id)
        if token.used_on != today:
            cls.objects.filter(pk=token.pk).update(used_on=today)
        return token

    def allows(self, deed: str, entity: str) -> bool:
        """Whether it may "read" or "write" records of this entity ("" for what belongs to none)."""
        scopes = set(self.scopes.split())
        wanted = {"write", f"{entity}:write"} | ({"read", f"{entity}:read"} if deed == "read" else set())
        return not scopes.isdisjoint(wanted)
