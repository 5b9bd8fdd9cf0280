"""What the workshop keeps: drafts of policies, their back-tests, what was published, and who has read and signed it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from xiaoguan.desk.records import Record
from xiaoguan.people.models import Person
from xiaoguan.rulebook.models import PolicyVersion
from xiaoguan.rulebook.naming import DigestField, NamedField


class SourceText(models.TextField):
    """A text whose blanks and line ends belong to it, so that no form takes them away."""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"strip": False, **kwargs})

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


class PolicyDraft(Record):
    """制度草案: a policy document on its way to be published, with its cases.

    base            the version it began from and is compared with; empty for a first one
    policy_key, number, effective_from   as the text says them; empty while it cannot be read
    digest          of the text: an approval holds for the text that has it
    """

    IMPORTED = False

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("policy", "draft")
        SUBMITTED = "submitted", pgettext_lazy("policy", "submitted")
        APPROVED = "approved", pgettext_lazy("policy", "approved")
        PUBLISHED = "published", pgettext_lazy("policy", "published")
        WITHDRAWN = "withdrawn", pgettext_lazy("policy", "withdrawn")

    title = models.CharField(_("title"), max_length=160)
    owner = models.ForeignKey(
        Person, models.PROTECT, related_name="policy_drafts", editable=False, verbose_name=_("owner")
    )
    base = models.ForeignKey(
        PolicyVersion, models.PROTECT, null=True, blank=True, related_name="drafts", verbose_name=_("begun from")
    )
    text = SourceText(_("document"), blank=True)
    cases = SourceText(_("cases"), blank=True)
    policy_key = NamedField(_("policy"), max_length=80, blank=True, editable=False)
    number = models.CharField(_("policy version number"), max_length=40, blank=True, editable=False)
    effective_from = models.DateField(_("in force from"), null=True, editable=False)
    digest = DigestField(_("fingerprint"), max_length=64, blank=True, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT, editable=False)
    published_as = models.OneToOneField(
        PolicyVersion, models.PROTECT, null=True, editable=False, related_name="draft", verbose_name=_("published as")
    )

    TITLE = "title"
    GROWS = False
    TONES: ClassVar = {"state": {"submitted": "amber", "approved": "blue", "published": "green", "withdrawn": "gray"}}

    class Meta(Record.Meta):
        verbose_name, verbose_name_plural = _("policy draft"), _("policy drafts")

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """Whether its text may still be changed."""
        return self.state == self.State.DRAFT

    def read_header(self) -> None:
        """Take id, number, first day and fingerprint from the text, as far as it can be read."""
        from xiaoguan.rulebook.workshop.places import header_of

        found = header_of(self.text)
        self.policy_key, self.number = found.policy_key[:80], found.number[:40]
        self.effective_from = found.effective_from
        self.digest = sha256(self.text.encode()).hexdigest()

    def clean(self) -> None:
        super().clean()
        touched = self.text != self.stored("text") or self.cases != self.stored("cases")
        if self.pk and touched and self.stored("state") != self.State.DRAFT:
            raise ValidationError(_("Only a draft can be changed; take it back first."))

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As every record; a draft without a text begins with the smallest document there is."""
        if self._state.adding and not self.text.strip():
            from xiaoguan.rulebook.workshop.drafts import blank

            self.text = blank(self.title)
        if self._state.adding or self.text != self.stored("text"):
            self.read_header()
        super().save(*args, **kwargs)


class PolicyBacktest(models.Model):
    """回测: a draft beside a version over past periods. It keeps the draft's text as it was tried.

    kind, first, last   the periods: "month", 2026-01, 2026-06
    result              what `trying.shown` reads; empty while the job runs
    """

    draft = models.ForeignKey(PolicyDraft, models.CASCADE, related_name="backtests", verbose_name=_("draft"))
    before = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+", verbose_name=_("compared with"))
    text = models.TextField()
    digest = models.CharField(max_length=64)
    kind = models.CharField(max_length=20)
    first = models.CharField(max_length=40)
    last = models.CharField(max_length=40)
    job_id = models.BigIntegerField(null=True)
    result = models.JSONField(default=dict)
    asked_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("back-test"), _("back-tests")

    def __str__(self) -> str:
        return f"{self.first} – {self.last}"

    @property
    def stale(self) -> bool:
        """Whether the draft has another text by now."""
        return self.digest != self.draft.digest


class PolicyPublication(models.Model):
    """发布: how a version came into force: from which draft, who approved it, which warnings were acknowledged.

    approved    [{"name", "at"}] of the signatures; warnings [{"message", "hint", "line", "path", "by", "at"}]
    """

    version = models.OneToOneField(PolicyVersion, models.CASCADE, related_name="publication")
    previous = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+")
    by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    approved = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    cases = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)


class PolicySignature(models.Model):
    """阅签: whether a person has read and signed a version that concerns them."""

    version = models.ForeignKey(
        PolicyVersion, models.CASCADE, related_name="signatures", verbose_name=_("policy version")
    )
    person = models.ForeignKey(Person, models.PROTECT, related_name="policy_signatures", verbose_name=_("person"))
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    reminded_at = models.DateTimeField(_("reminded"), null=True, blank=True)
    signed_at = models.DateTimeField(pgettext_lazy("policy", "signed"), null=True, blank=True)

    GROWS = False

    class Meta:
        verbose_name, verbose_name_plural = _("policy signature"), _("policy signatures")
        constraints: ClassVar = [models.UniqueConstraint(fields=["version", "person"], name="one_policy_signature")]
        indexes: ClassVar = [models.Index(fields=["person", "signed_at"], name="policy_to_sign")]

    def __str__(self) -> str:
        return f"{self.version} · {self.person}"
