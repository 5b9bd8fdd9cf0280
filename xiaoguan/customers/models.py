"""客户: whom we sell to, the people there, and those who may become customers."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from xiaoguan.desk.fields import CountryField, EmailField, ExactField, PhoneField
from xiaoguan.desk.records import Record
from xiaoguan.people.models import Person, Territory


class Customer(Record):
    """客户: an organisation or a person that buys, or may buy."""

    class Kind(models.TextChoices):
        ORGANISATION = "organisation", _("organisation")
        INDIVIDUAL = "individual", _("individual")

    class Channel(models.TextChoices):
        DIRECT = "direct", _("direct")
        RESELLER = "reseller", _("reseller")
        AGENT = "agent", _("agent")
        ONLINE = "online", _("online")

    class Stage(models.TextChoices):
        PROSPECT = "prospect", _("prospect")
        FIRST = "first", _("first purchase")
        REPEAT = "repeat", _("repeat customer")
        LOYAL = "loyal", _("loyal customer")
        DORMANT = "dormant", _("dormant")

    class Origin(models.TextChoices):
        WEB = "web", _("web form")
        EXHIBITION = "exhibition", _("exhibition")
        REFERRAL = "referral", _("referral")
        PHONE = "phone", _("phone")
        IMPORT = "import", _("import")
        OTHER = "other", _("other")

    class Grade(models.TextChoices):
        A = "A", "A"
        B = "B", "B"
        C = "C", "C"

    PASSING = ("follow_up_on", "recycle_on")
    TONES: ClassVar = {
        "stage": {"first": "blue", "repeat": "green", "loyal": "green", "dormant": "amber"},
        "grade": {"A": "green", "B": "blue", "C": "gray"},
    }

    name = models.CharField(_("name"), max_length=160)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.ORGANISATION)
    channel = models.CharField(_("channel"), max_length=12, choices=Channel, default=Channel.DIRECT)
    grade = models.CharField(_("grade"), max_length=1, choices=Grade, blank=True)
    stage = models.CharField(_("life cycle"), max_length=12, choices=Stage, default=Stage.PROSPECT, editable=False)
    origin = models.CharField(_("origin"), max_length=12, choices=Origin, blank=True)
    industry = models.CharField(_("industry"), max_length=80, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    country = CountryField(_("country"), max_length=2, blank=True, help_text=_("ISO code, such as CN."))
    phone = PhoneField(_("phone"), max_length=40, blank=True)
    email = EmailField(_("e-mail"), blank=True)
    website = models.URLField(_("website"), blank=True)
    tax_number = models.CharField(_("tax number"), max_length=30, blank=True)
    owner = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="customers", verbose_name=_("owner")
    )
    territory = models.ForeignKey(Territory, models.PROTECT, null=True, blank=True, verbose_name=_("territory"))
    registered_on = models.DateField(_("registered"), default=timezone.localdate)
    next_contact_on = models.DateField(_("next contact"), null=True, blank=True)
    last_contact_on = models.DateField(_("last contact"), null=True, blank=True, editable=False)
    first_order_on = models.DateField(_("first order"), null=True, blank=True, editable=False)
    last_order_on = models.DateField(_("last order"), null=True, blank=True, editable=False)
    follow_up_on = models.DateField(_("follow-up due"), null=True, blank=True, editable=False)
    follow_up_late_on = models.DateField(_("follow-up overdue from"), null=True, blank=True, editable=False)
    follow_up_rule = models.CharField(_("follow-up rule"), max_length=60, blank=True, default="", editable=False)
    recycle_on = models.DateField(_("back to the pool"), null=True, blank=True, editable=False)
    recycle_rule = models.CharField(_("by the rule"), max_length=60, blank=True, default="", editable=False)
    recycle_warned_on = models.DateField(_("owner warned"), null=True, blank=True, editable=False)
    note = models.TextField(_("note"), blank=True)

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("customer"), _("customers")
        indexes: ClassVar = [
            models.Index(fields=["-updated_at", "-id"], name="customer_list"),
            models.Index(fields=["owner", "-updated_at", "-id"], name="customer_of_owner"),
            models.Index(fields=["first_order_on"], name="customer_first_order"),
            models.Index(
                fields=["owner", "follow_up_on"],
                name="customer_followed_up",
                condition=models.Q(follow_up_on__isnull=False),
            ),
            models.Index(fields=["recycle_on"], name="customer_recycled", condition=models.Q(recycle_on__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def derive(cls, ids: Collection[int]) -> None:
        """Whoever is due, or was to go back to the pool soon, is looked at again: another owner, another grade."""
        from xiaoguan.customers import pool

        pool.look_again(ids)


class Classed(models.Model):
    """分类依据: why a customer is in its class by the policy, as the last review found it.

    version   id of the policy version; on is the day of the review, [since, on) what counted
    basis     value, place, bound, parts and held of policy.classing.Placed, exact; amounts in ten-thousandths
    """

    customer = models.OneToOneField(Customer, models.CASCADE, primary_key=True, related_name="classed")
    version = models.BigIntegerField()
    rule = models.CharField(max_length=60)
    grade = models.CharField(max_length=1)
    since = models.DateField()
    on = models.DateField()
    basis = models.JSONField(default=dict)

    class Meta:
        verbose_name, verbose_name_plural = _("classification"), _("classifications")
        indexes: ClassVar = [models.Index(fields=["version", "rule", "on"], name="classed_by")]


class Rated(models.Model):
    """客户评分: what somebody rated of a customer, for the rule of classes that weighs it; item is the id there."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="ratings", db_index=False)
    item = models.CharField(max_length=60)
    value = ExactField(places=4)
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", db_index=False)
    on = models.DateField(default=timezone.localdate)

    class Meta:
        verbose_name, verbose_name_plural = _("rating of a customer"), _("ratings of customers")
        constraints: ClassVar = [models.UniqueConstraint(fields=["customer", "item"], name="rated_once")]


class PutOff(models.Model):
    """延期: somebody put off the return of a customer to the pool by a rule; counts for the present owner."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="put_off")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    rule = models.CharField(max_length=60)
    days = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name, verbose_name_plural = _("extension"), _("extensions")


class Claimed(models.Model):
    """领取记录: somebody took this customer out of the pool; counted by the day, kept when it goes back."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="claims")
    person = models.ForeignKey(Person, models.PROTECT, related_name="claims", db_index=False)
    on = models.DateField(default=timezone.localdate)

    class Meta:
        verbose_name, verbose_name_plural = _("claim"), _("claims")
        indexes: ClassVar = [models.Index(fields=["person", "on"], name="claims_of_day")]


class Contact(Record):
    """联系人: a person at a customer."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="contacts", verbose_name=_("customer"))
    name = models.CharField(_("name"), max_length=80)
    title = models.CharField(_("job title"), max_length=80, blank=True)
    phone = PhoneField(_("phone"), max_length=40, blank=True)
    email = EmailField(_("e-mail"), blank=True)
    primary = models.BooleanField(_("main contact"), default=False)

    TITLE = "name"

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("contact"), _("contacts")
        indexes: ClassVar = [models.Index(fields=["-updated_at", "-id"], name="contact_list")]

    def __str__(self) -> str:
        return self.name


class Lead(Record):
    """线索: somebody who may become a customer; not yet looked into."""

    class Status(models.TextChoices):
        NEW = "new", _("new")
        WORKING = "working", _("being worked on")
        QUALIFIED = "qualified", _("qualified")
        DISQUALIFIED = "disqualified", _("disqualified")

    TONES: ClassVar = {"status": {"new": "blue", "working": "amber", "qualified": "green", "disqualified": "gray"}}

    name = models.CharField(_("name"), max_length=80)
    company = models.CharField(_("company"), max_length=160, blank=True)
    phone = PhoneField(_("phone"), max_length=40, blank=True)
    email = EmailField(_("e-mail"), blank=True)
    origin = models.CharField(_("origin"), max_length=12, choices=Customer.Origin, default=Customer.Origin.WEB)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.NEW)
    owner = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="leads", verbose_name=_("owner")
    )
    customer = models.ForeignKey(
        Customer,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="leads",
        verbose_name=_("customer"),
    )
    received_on = models.DateField(_("received"), default=timezone.localdate)
    note = models.TextField(_("note"), blank=True)

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("lead"), _("leads")
        indexes: ClassVar = [models.Index(fields=["-received_on", "-id"], name="lead_list")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.NEW, self.Status.WORKING)
