"""考核周期 the cycle: an appraisal of one period on its way from open to locked.

    open -> rating -> calculated -> calibrated -> locked

Back it goes from calculated and calibrated, with a reason; after the lock never. What people rate and what the records
say becomes scores and grades by `policy.appraisal`; here they are asked, kept, changed by those whom the policy names,
and locked. Only a locked grade feeds pay.
Source: spec/domain.md 6.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from xiaoguan.appraisal.models import AppraisalCycle, AppraisalRecord
from xiaoguan.appraisal.models import Rating as Given
from xiaoguan.appraisal.raters import SELF, Raters, items_of
from xiaoguan.base.periods import Period
from xiaoguan.desk import events, jobs
from xiaoguan.desk.access import NOBODY, Viewer
from xiaoguan.desk.cells import number_text
from xiaoguan.desk.desk import desk_of
from xiaoguan.desk.jobs import JobError, Running, every, job_kind
from xiaoguan.desk.models import Event
from xiaoguan.desk.notify import notice, notify
from xiaoguan.people.chart import people_with_roles
from xiaoguan.policy import Policy, Rating, Who, appraise
from xiaoguan.policy.appraisal import Appraised, enforced, follows, is_for
from xiaoguan.policy.document import Appraisal, Indicator
from xiaoguan.rulebook.models import PolicyVersion, Stepped
from xiaoguan.rulebook.reckoning import CannotReckon, Progress, quiet, version_for
from xiaoguan.rulebook.staff import Staff, roles_of
from xiaoguan.rulebook.versions import document_of, in_force
from xiaoguan.rulebook.world import DatabaseWorld

State = AppraisalCycle.State
APPRAISAL = notice("appraisal", gettext_lazy("Appraisals"), "award")
DAYS = 10
"""So many days raters have, where nothing else was said."""


class CannotAppraise(ValidationError):
    """The step is not possible; says why and what to do."""

    def __str__(self) -> str:
        return " ".join(self.messages)


@dataclass(frozen=True)
class Plan:
    """What a cycle goes by: the version in force, its document, its appraisal and the period."""

    version: PolicyVersion
    policy: Policy
    appraisal: Appraisal
    period: Period


# Which cycle


def plan_for(text: str, policy_key: str = "", appraisal: str = "") -> Plan:
    """The one appraisal of a policy in force for the period named in words. Raises CannotAppraise."""
    try:
        found = version_for(text, policy_key or None)
    except CannotReckon as error:
        raise CannotAppraise(_("No policy in force knows the period “%(period)s”.") % {"period": text}) from error
    plans = [
        Plan(version, policy, one, period)
        for version, policy, period in found
        for one in policy.appraisal
        if appraisal in ("", one.id) and one.period == period.kind
    ]
    if not plans:
        raise CannotAppraise(_("No policy in force appraises anybody for %(period)s.") % {"period": text})
    if len(plans) > 1:
        known = ", ".join(f"{plan.policy.id} {plan.appraisal.id}" for plan in plans)
        told = {"period": text, "known": known}
        raise CannotAppraise(_("There are several appraisals for %(period)s: %(known)s. Name one.") % told)
    return plans[0]


def plan_of(cycle: AppraisalCycle) -> Plan:
    """What the cycle goes by: the version that it was calculated with, else the one in force for its period."""
    if cycle.policy is None:
        return plan_for(cycle.label, cycle.policy_key, cycle.appraisal)
    policy = document_of(cycle.policy)
    found = policy.appraisal_of(cycle.appraisal)
    assert found is not None
    return Plan(cycle.policy, policy, found, policy.calendar.period(cycle.kind, cycle.starts_on))


def known_plan(cycle: AppraisalCycle) -> Plan | None:
    """The same; None where no policy knows the cycle any more."""
    try:
        return plan_of(cycle)
    except CannotAppraise:
        return None


def place(cycle: AppraisalCycle) -> None:
    """Give a new cycle the policy, the appraisal and the days that its label names. Raises CannotAppraise."""
    plan = plan_for(cycle.label, cycle.policy_key, cycle.appraisal)
    cycle.policy_key, cycle.appraisal, cycle.label = plan.policy.id, plan.appraisal.id, plan.period.label
    cycle.name = plan.appraisal.name or plan.appraisal.id
    cycle.kind, cycle.starts_on, cycle.ends_on = plan.period.kind, plan.period.start, plan.period.end
    if _same(plan).exclude(pk=cycle.pk).exists():
        raise CannotAppraise(_("There is such a cycle for %(period)s already.") % {"period": plan.period.label})


def _same(plan: Plan) -> Any:
    return AppraisalCycle.objects.filter(
        policy_key=plan.policy.id,
        appraisal=plan.appraisal.id,
        starts_on=plan.period.start,
        ends_on=plan.period.end,
    )


def opened(label: str, policy_key: str = "", appraisal: str = "") -> AppraisalCycle:
    """A new cycle. Raises CannotAppraise."""
    cycle = AppraisalCycle(label=label, policy_key=policy_key, appraisal=appraisal)
    place(cycle)
    cycle.save()
    return cycle


def cycle_for(text: str, policy_key: str = "", appraisal: str = "") -> AppraisalCycle:
    """The cycle of a period named in words, opened where it was not there yet. Raises CannotAppraise."""
    plan = plan_for(text, policy_key, appraisal)
    return _same(plan).first() or opened(plan.period.label, plan.policy.id, plan.appraisal.id)


def open_now(today: date) -> list[AppraisalCycle]:
    """Open the cycle that holds this day for every appraisal of the policies in force, where there is none yet."""
    made = []
    for version in in_force(today):
        policy = document_of(version)
        for one in policy.appraisal:
            there = AppraisalCycle.objects.filter(policy_key=policy.id, appraisal=one.id)
            if not there.filter(starts_on__lte=today, ends_on__gt=today).exists():
                try:
                    made.append(opened(policy.calendar.period(one.period, today).label, policy.id, one.id))
                except (ValueError, CannotAppraise):  # the calendar does not know the day, or another version rules it
                    continue
    return made


@every("day", at="00:20", title=gettext_lazy("Open appraisal cycles"))
def open_cycles(running: Running) -> dict[str, Any]:
    """The cycle of today, for every appraisal in force."""
    made = open_now(timezone.localdate())
    return {"summary": lambda: _("%(n)d appraisal cycles opened.") % {"n": len(made)}}


def standing(cycle: AppraisalCycle, *states: str) -> AppraisalCycle:
    """The cycle as it is stored, held until the transaction ends. Raises CannotAppraise unless in one of the states."""
    rows = AppraisalCycle.objects.filter(pk=cycle.pk)
    if connection.features.has_select_for_update:
        rows = rows.select_for_update(of=("self",))
    found = rows.get()
    if found.state not in states:
        told = {"cycle": str(found), "state": found.get_state_display()}
        raise CannotAppraise(_("%(cycle)s is %(state)s: this step is not possible now.") % told)
    return found


def hand_over(record: Any, fresh: Any) -> None:
    """The record in the caller's hand becomes what was stored."""
    record.__dict__.update({k: v for k, v in fresh.__dict__.items() if k != "_state"})


# Asking


def appraised(plan: Plan) -> dict[int, Who]:
    """Who is appraised: those in one of its roles on the last day of the period, hired before and not gone by then."""
    roles = set(plan.appraisal.role) or roles_of(plan.policy)
    held = people_with_roles(roles, plan.period.start, plan.period.end)
    staff, last = Staff(plan.policy, held), plan.period.end - timedelta(days=1)
    found = {}
    for pk in sorted(held):
        who = staff.at(str(pk), last, held[pk][-1][0])
        gone = who.left_on is not None and who.left_on <= last
        late = who.hired_on is not None and who.hired_on >= plan.period.end
        if not gone and not late and is_for(plan.policy, plan.appraisal, who, plan.period):
            found[pk] = who
    return found


def ask(cycle: AppraisalCycle, until: date | None = None, by: Viewer = NOBODY, tell: bool = True) -> int:
    """Ask everybody's raters, by the reporting lines of the last day of the period (of today, while it lasts).

    Who was asked before stays asked. Returns how many ratings are new. Raises CannotAppraise.
    """
    with transaction.atomic():
        fresh = standing(cycle, State.OPEN, State.RATING)
        plan = plan_of(fresh)
        new = _asked(fresh, plan)
        until = until or timezone.localdate() + timedelta(days=DAYS)
        values = {"due_on": until, "asked_at": timezone.now(), "asked_by_id": by.person_id}
        values |= {"policy_id": plan.version.pk, "digest": plan.version.digest}
        fresh.step(state=State.RATING, **values)
        if tell:
            remind(fresh, by)
    hand_over(cycle, fresh)
    return new


def _asked(cycle: AppraisalCycle, plan: Plan) -> int:
    raters = Raters(min(plan.period.end - timedelta(days=1), timezone.localdate()))
    people, items = appraised(plan), items_of(plan.appraisal)
    there = set(cycle.ratings.values_list("person_id", "rater_id", "item"))
    new = [
        _rating(cycle, who, item, group, rater)
        for pk, who in people.items()
        for item in items
        for group, rater in raters.of(pk, item)
        if (pk, rater, item.key) not in there
    ]
    Given.objects.bulk_create(new, batch_size=500)
    _tell_created(new)
    return len(new)


def remind(cycle: AppraisalCycle, by: Viewer = NOBODY) -> None:
    """Tell everybody who has not given all ratings yet, as a job."""
    _tell(cycle, by, "raters", gettext_noop("Your ratings are asked for: %(title)s"), reverse("ratings_to_give"))


TOLD_AT_ONCE = 100


def _tell(cycle: AppraisalCycle, by: Viewer, whom: str, text: str, url: str) -> None:
    """The raters who are waited for, or the people, as a job: what each may read is worked out one by one."""
    jobs.start(
        "tell_appraisal",
        by,
        lambda: _("Notifications about %(period)s") % {"period": str(cycle)},
        unit=lambda: _("people"),
        cycle=cycle.pk,
        whom=whom,
        text=text,
        url=url,
    )


@job_kind("tell_appraisal")
def tell_appraisal(running: Running) -> dict[str, Any]:
    """Behind a kill it goes on with those who were not told yet."""
    asked = running.parameters
    cycle = AppraisalCycle.objects.get(pk=asked["cycle"])
    raters = cycle.ratings.filter(state=Given.State.ASKED).values_list("rater_id", flat=True)
    people = raters if asked["whom"] == "raters" else cycle.records.values_list("person_id", flat=True)
    every = sorted(set(people))
    left = [pk for pk in every if pk > running.checkpoint.get("at", 0)]
    for start in range(0, len(left), TOLD_AT_ONCE):
        some = left[start : start + TOLD_AT_ONCE]
        with running.step(done=start + len(some), total=len(left), at=some[-1]):
            notify(some, APPRAISAL, asked["text"], values={"title": str(cycle)}, url=asked["url"], myself=True)
    return {"summary": lambda: _("%(n)d people told.") % {"n": len(every)}}


def ask_one(cycle: AppraisalCycle, person: int, rater: int, group: str, by: Viewer = NOBODY) -> int:
    """Ask one more rater about somebody, for every item that this group rates. Returns how many ratings are new."""
    with transaction.atomic():
        fresh = standing(cycle, State.RATING)
        plan = plan_of(fresh)
        who = appraised(plan).get(person)
        items = [item for item in items_of(plan.appraisal) if group in item.raters]
        if who is None:
            raise CannotAppraise({"person": [_("This person is not appraised in this cycle.")]})
        if (group == SELF) != (person == rater):
            raise CannotAppraise({"rater": [_("People rate themselves as “self”, others in another group.")]})
        there = set(fresh.ratings.filter(person=person, rater=rater).values_list("item", flat=True))
        new = [_rating(fresh, who, item, group, rater) for item in items if item.key not in there]
        if not new:
            raise CannotAppraise({"rater": [_("This person is asked already.")]})
        Given.objects.bulk_create(new)
        _tell_created(new)
        text = gettext_noop("Your ratings are asked for: %(title)s")
        notify([rater], APPRAISAL, text, values={"title": str(fresh)}, url=reverse("ratings_to_give"), myself=True)
    return len(new)


def _rating(cycle: AppraisalCycle, who: Who, item: Indicator, group: str, rater: int) -> Given:
    label = f"{cycle.label} {who.name} · {item.name or item.key}"[:200]
    return Given(label=label, cycle=cycle, person_id=int(who.key), rater_id=rater, group=group, item=item.key)


def give(rating: Given, score: Decimal | None, comment: str = "") -> None:
    """Keep what a rater says; None declines. May be changed until the cycle is calculated. Raises CannotAppraise."""
    with transaction.atomic():
        cycle = standing(rating.cycle, State.RATING)
        low, high = scale_of(plan_of(cycle), rating.item)
        if score is not None and not low <= score <= high:
            told = {"low": number_text(low), "high": number_text(high)}
            raise CannotAppraise({"score": [_("Give a score from %(low)s to %(high)s.") % told]})
        state = Given.State.DECLINED if score is None else Given.State.GIVEN
        rating.step(state=state, score=score, comment=comment)


def scale_of(plan: Plan, item: str) -> tuple[Decimal, Decimal]:
    """The lowest and the highest score of an item."""
    found = next((one for one in plan.appraisal.indicators if one.key == item), None)
    low, high = (found.scale[0], found.scale[1]) if found and len(found.scale) == 2 else (Fraction(0), Fraction(100))
    return tuple(Decimal(end.numerator) / Decimal(end.denominator) for end in (low, high))  # type: ignore[return-value]


# Calculating


def calculate(cycle: AppraisalCycle, by: Viewer = NOBODY, progress: Progress = quiet) -> int:
    """Everybody's scores and grades; may be repeated until they are calibrated. Returns how many people.

    A grade that was calibrated stays, unless what it was changed from is another one now. Raises CannotAppraise.
    """
    states = (State.OPEN, State.RATING, State.CALCULATED)
    if cycle.state not in states:
        standing(cycle, *states)
    plan = plan_for(cycle.label, cycle.policy_key, cycle.appraisal)
    people = appraised(plan)
    world = DatabaseWorld(plan.policy, paying=False)
    found = _results(cycle, plan, people, world, progress)
    rows = _rows(plan, people, world, found)
    with transaction.atomic():
        fresh = standing(cycle, *states)
        _keep(fresh, plan, people, rows)
        fresh.step(
            state=State.CALCULATED,
            policy_id=plan.version.pk,
            digest=plan.version.digest,
            people=len(rows),
            exceptions=sum(bool(row["open_points"]) for row in rows.values()),
            calculated_at=timezone.now(),
            calculated_by_id=by.person_id,
            reason="",
        )
    hand_over(cycle, fresh)
    return len(rows)


def _results(
    cycle: AppraisalCycle, plan: Plan, people: Mapping[int, Who], world: DatabaseWorld, progress: Progress
) -> dict[int, Appraised]:
    heard = ratings_of(cycle)
    found = {}
    for number, (pk, who) in enumerate(people.items()):
        progress(number, len(people))
        found[pk] = appraise(plan.policy, plan.appraisal, who, plan.period, world, heard.get(pk))
    return found


def ratings_of(cycle: AppraisalCycle) -> dict[int, dict[str, list[Rating]]]:
    """What was given, as the engine reads it: by person and item, without the raters."""
    found: dict[int, dict[str, list[Rating]]] = defaultdict(lambda: defaultdict(list))
    rows = cycle.ratings.filter(state=Given.State.GIVEN).order_by("item", "group", "score", "id")
    for person, item, group, score in rows.values_list("person_id", "item", "group", "score"):
        found[person][item].append(Rating(group, Fraction(score)))
    return found


def _rows(
    plan: Plan, people: Mapping[int, Who], world: DatabaseWorld, found: Mapping[int, Appraised]
) -> dict[int, dict[str, Any]]:
    """The columns of everybody's record."""
    day = Raters(plan.period.end - timedelta(days=1))
    rows = {}
    for pk, one in zip(found, enforced(plan.appraisal, list(found.values())), strict=True):
        names = {line.name: line.label for line in one.lines}
        missing = [names[line.name] for line in one.lines if line.missing]
        rows[pk] = {
            "manager_id": day.manager.get(pk),
            "team_id": day.team.get(pk),
            "score": Decimal(one.shown) if one.shown else None,
            "first_grade": one.first_grade,
            "given_grade": one.grade,
            **graded(plan.appraisal, one.grade, one.score),
            "lines": _lines(plan.appraisal, one),
            "points": {line.name: None if line.missing else str(line.number) for line in one.lines},
            "missing": missing,
            "gates": [step for step in one.steps if step.startswith("gate ")],
            "steps": list(one.steps),
            "outcomes": follows(plan.policy, plan.appraisal, one, people[pk], world),
            "open_points": len(missing) or int(one.score is None),
        }
    return rows


def graded(appraisal: Appraisal, grade: str, score: Fraction | None) -> dict[str, Any]:
    """The columns that go with a grade."""
    factor = appraisal.grades[grade].factor if grade in appraisal.grades else None
    shown = None if factor is None else round(Decimal(factor.numerator) / Decimal(factor.denominator), 6)
    exact = {"score": None if score is None else str(score), "factor": None if factor is None else str(factor)}
    return {"grade": grade, "factor": shown, "exact": exact}


def _lines(appraisal: Appraisal, one: Appraised) -> list[dict[str, Any]]:
    weights = {indicator.key: indicator.weight for indicator in appraisal.indicators}
    return [{**line.to_json(), "weight": str(weights.get(line.name, Fraction(1)))} for line in one.lines]


CALIBRATED = ("grade", "factor", "exact")


def _keep(cycle: AppraisalCycle, plan: Plan, people: Mapping[int, Who], rows: Mapping[int, dict[str, Any]]) -> None:
    there = {one.person_id: one for one in cycle.records.all()}
    for pk, one in there.items():
        if pk not in rows:
            one.delete()
            continue
        values = dict(rows[pk])
        unchanged = (one.exact.get("score"), one.given_grade) == (values["exact"]["score"], values["given_grade"])
        if one.calibrated_at is not None and unchanged:
            for name in CALIBRATED:
                del values[name]
        else:
            values |= {"reason": "", "calibrated_at": None, "calibrated_by_id": None}
        if any(getattr(one, name) != value for name, value in values.items()):
            one.step(**values)
    new = [
        AppraisalRecord(label=f"{cycle.label} {people[pk].name}"[:200], cycle=cycle, person_id=pk, **values)
        for pk, values in rows.items()
        if pk not in there
    ]
    AppraisalRecord.objects.bulk_create(new, batch_size=500)
    _tell_created(new)


def _tell_created(rows: Sequence[Stepped]) -> None:
    actor = events.current_actor()
    told = {"deed": "created", "actor_id": actor.person_id, "via": actor.via, "note": actor.note, "batch": actor.batch}
    Event.objects.bulk_create(
        (Event(entity=row._meta.model_name, record_id=row.pk, changes={}, **told) for row in rows), batch_size=500
    )


@job_kind("calculate_appraisal")
def calculate_appraisal(running: Running) -> dict[str, Any]:
    """The same as a job: what a kill interrupts is begun anew, and nothing of it is left."""
    cycle = AppraisalCycle.objects.get(pk=running.parameters["cycle"])
    try:
        number = calculate(cycle, running.viewer, lambda done, total: running.progress(done, total))
    except CannotAppraise as error:
        raise JobError(str(error)) from error
    desk = desk_of(AppraisalCycle)
    url = desk.url("detail", pk=cycle.pk) if desk else ""
    return {
        "summary": lambda: _("%(cycle)s is calculated: %(n)d people.") % {"cycle": str(cycle), "n": number},
        "url": url,
    }


def start(cycle: AppraisalCycle, by: Viewer) -> None:
    jobs.start(
        "calculate_appraisal",
        by,
        lambda: _("Calculation of %(period)s") % {"period": str(cycle)},
        unit=lambda: _("people"),
        cycle=cycle.pk,
    )


# Calibrated and locked


def finish(cycle: AppraisalCycle, by: Viewer = NOBODY, tell: bool = True) -> None:
    """The grades are as they should be: everybody is told, and can appeal from now on. Raises CannotAppraise."""
    with transaction.atomic():
        fresh = standing(cycle, State.CALCULATED)
        now = timezone.now()
        fresh.step(state=State.CALIBRATED, calibrated_at=now, calibrated_by_id=by.person_id, reason="")
        if tell:
            _tell(fresh, by, "people", gettext_noop("Your result is there: %(title)s"), reverse("appraisal"))
    hand_over(cycle, fresh)


def send_back(cycle: AppraisalCycle, reason: str, by: Viewer = NOBODY) -> None:
    """One state back, with a reason: from calibrated to calculated, from there to the ratings. Never after the lock."""
    with transaction.atomic():
        fresh = standing(cycle, State.CALCULATED, State.CALIBRATED)
        nobody = {"calibrated_at": None, "calibrated_by_id": None, "reason": reason[:400]}
        back = State.CALCULATED if fresh.state == State.CALIBRATED else State.RATING
        fresh.step(state=back, **nobody)
    hand_over(cycle, fresh)


def lock(cycle: AppraisalCycle, by: Viewer = NOBODY, at: datetime | None = None) -> None:
    """The grades stand, and pay reads them from now on.

    Raises CannotAppraise before the period has ended, while an appeal waits for its decision, and while an earlier
    cycle that was begun is not locked.
    """
    with transaction.atomic():
        fresh = standing(cycle, State.CALIBRATED)
        at = at or timezone.now()
        if timezone.localdate(at) < fresh.ends_on:
            raise CannotAppraise(_("%(period)s has not ended yet.") % {"period": fresh.label})
        waiting = fresh.records.filter(appeal=AppraisalRecord.Appeal.OPEN).select_related("person").first()
        if waiting is not None:
            raise CannotAppraise(_("Decide the appeal of %(person)s first.") % {"person": waiting.person.name})
        same = AppraisalCycle.objects.filter(policy_key=fresh.policy_key, appraisal=fresh.appraisal)
        before = same.filter(starts_on__lt=fresh.starts_on).exclude(state__in=(State.OPEN, State.LOCKED)).first()
        if before is not None:
            raise CannotAppraise(_("Lock %(period)s first: it comes before this one.") % {"period": before.label})
        fresh.step(state=State.LOCKED, locked_at=at, locked_by_id=by.person_id)
    hand_over(cycle, fresh)


ORDER = (State.OPEN, State.RATING, State.CALCULATED, State.CALIBRATED, State.LOCKED)


def bring_to(cycle: AppraisalCycle, state: str) -> None:
    """Take the steps that are left up to this state, as the one who runs the installation. Raises CannotAppraise."""
    steps: dict[str, Callable[[], Any]] = {
        State.OPEN: lambda: ask(cycle),
        State.RATING: lambda: calculate(cycle),
        State.CALCULATED: lambda: finish(cycle),
        State.CALIBRATED: lambda: lock(cycle),
    }
    if ORDER.index(State(cycle.state)) > ORDER.index(State(state)):
        told = {"cycle": str(cycle), "state": cycle.get_state_display()}
        raise CannotAppraise(_("%(cycle)s is %(state)s already; the way back is a deed in the page.") % told)
    while cycle.state != state:
        steps[cycle.state]()


def results_in(records: Sequence[AppraisalRecord], plan: Plan) -> list[Appraised]:
    """The records as the engine sees them, for its distribution; the grade is the one that stands."""
    return [
        Appraised(plan.appraisal.id, str(r.person_id), plan.period, r.exact_score, r.grade, r.first_grade,
                  r.exact_factor, ())
        for r in records
    ]  # fmt: skip


def told(cycle: AppraisalCycle) -> dict[str, Any]:
    """The cycle with everybody's result, for the command line: scores to 0.01, factors as decimal text."""
    rows = cycle.records.select_related("person").defer("lines", "steps").order_by("person_id")
    return {
        "period": cycle.label,
        "policy": cycle.policy_key,
        "appraisal": cycle.appraisal,
        "state": cycle.state,
        "digest": cycle.digest,
        "asked": cycle.ratings.count(),
        "given": cycle.ratings.filter(state=Given.State.GIVEN).count(),
        "people": [
            {
                "person": row.person_id,
                "name": row.person.name,
                "score": None if row.score is None else format(row.score, "f"),
                "first_grade": row.first_grade,
                "grade": row.grade,
                "factor": None if row.factor is None else format(row.factor.normalize(), "f"),
                "missing": row.missing,
            }
            for row in rows
        ],
    }
