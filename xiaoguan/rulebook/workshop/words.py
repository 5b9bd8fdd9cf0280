"""What people call the keys and names of a document: in the form, in differences, on every page of the workshop."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from xiaoguan.policy import Policy
from xiaoguan.policy.prose import WORDS

CHAPTERS: dict[str, Any] = {
    "policy": _("About this policy"),
    "calendar": _("Calendar"),
    "metrics": _("Metrics"),
    "goals": _("Goals"),
    "process": _("Sales process"),
    "incentive": _("Incentive pay"),
    "classification": _("Customer classes"),
    "follow_up": _("Follow-up"),
    "pool": _("Public pool"),
    "discount": _("Discount approval"),
    "appraisal": _("Appraisal"),
    "warnings": _("Warnings"),
    "forecast": _("Forecast"),
    "training": _("Training"),
    "recognition": _("Recognition"),
}

KEYS: dict[str, Any] = {
    "accuracy": _("accuracy"),
    "bias": _("bias"),
    "brier": _("error of probabilities (Brier)"),
    "fiscal_year_ends": _("end of the year"),
    "lead": _("measured before the end"),
    "leap_week_to": _("leap week goes to month"),
    "min_deals": _("deals at least"),
    "wape": _("error of amounts (WAPE)"),
    "absence": _("relief for absence"),
    "accumulate": _("counted over"),
    "add": _("points added"),
    "after": _("after"),
    "allocate": _("allocation"),
    "amount": _("amount"),
    "appraisal_deduct": _("points of the appraisal"),
    "attain_probability": _("probability of attainment"),
    "base": _("base"),
    "basis": _("basis"),
    "by": _("by"),
    "calibration": _("calibration"),
    "cap": _("cap"),
    "capacity": _("capacity"),
    "career": _("promotion"),
    "check": _("reasonable within"),
    "checklist": _("checklist"),
    "claim": _("claiming"),
    "classes": _("classes"),
    "clawback": _("claw-back"),
    "close": _("close"),
    "columns": _("columns"),
    "components": _("parts of the plan"),
    "cool_down": _("waiting time"),
    "correlation": _("correlation"),
    "count": _("count"),
    "counts_in": _("counts in"),
    "credit": _("credit"),
    "credit_factor": _("share of the credit that counts"),
    "currency": _("currency"),
    "custom": _("periods of the company"),
    "date": pgettext_lazy("policy", "date"),
    "days": _("days"),
    "deduct": _("points taken"),
    "direction": _("better when"),
    "dispute": _("dispute"),
    "distribution": _("distribution"),
    "divide": _("divided by"),
    "draw": _("draw"),
    "due": pgettext_lazy("policy", "due"),
    "effect": _("effect"),
    "effective": pgettext_lazy("policy", "in force"),
    "empty": _("without records"),
    "end": _("end"),
    "equity": _("equity"),
    "escalate": _("escalation"),
    "event": pgettext_lazy("policy", "event"),
    "events": pgettext_lazy("policy", "events"),
    "every": _("every"),
    "excess": _("excess"),
    "extend": _("extension"),
    "factor": _("factor"),
    "first_response": _("first answer within"),
    "fiscal_year_starts": _("year begins"),
    "floor": _("floor"),
    "forgive_after": _("forgiven after"),
    "from": pgettext_lazy("policy", "from"),
    "fund": _("fund"),
    "gates": _("conditions"),
    "goals": _("goals"),
    "grace": _("grace"),
    "grades": _("grades"),
    "growth": _("growth"),
    "guarantee": _("guarantee"),
    "holdback": _("holdback"),
    "holding_limit": _("customers held at most"),
    "hysteresis": _("hysteresis"),
    "id": _("id"),
    "indicators": _("indicators"),
    "inputs": _("inputs"),
    "interview": _("interview"),
    "kind": _("kind"),
    "leaving": _("leaving"),
    "length": _("length"),
    "levels": _("levels"),
    "limit": _("time limit"),
    "margin": _("margin"),
    "max": _("at most"),
    "max_grade": _("best grade"),
    "method": _("method"),
    "metric": _("metric"),
    "min_group": _("smallest group"),
    "min_minutes": _("minutes at least"),
    "min_raters": _("raters at least"),
    "min_sample": _("smallest sample"),
    "minimum": _("minimum"),
    "mode": _("mode"),
    "months": _("months"),
    "moves": _("moves between stages"),
    "multiply": _("multiplier"),
    "name": pgettext_lazy("policy", "name"),
    "notify": _("who is told"),
    "of": pgettext_lazy("policy", "of"),
    "offset_limit": _("set off at most"),
    "over_assignment": _("over-assignment"),
    "overlay": _("overlays"),
    "owner": _("owner"),
    "paid": _("paid"),
    "pass": _("pass mark"),
    "pay": pgettext_lazy("policy", "payment"),
    "pay_each": _("for each"),
    "payees": _("payees"),
    "per": _("per"),
    "per_day": _("a day at most"),
    "per_quarter": _("a quarter"),
    "percent": _("percentages"),
    "period": _("period"),
    "points": _("points"),
    "position": _("place in the order"),
    "probability": _("probability"),
    "proration": _("proration"),
    "ramp": _("ramp"),
    "rate": pgettext_lazy("policy", "rate"),
    "raters": _("raters"),
    "rates": _("tiers"),
    "recover": _("repaid at most"),
    "recover_from": _("repaid from month"),
    "recycle": _("recycling"),
    "release": _("release"),
    "require": pgettext_lazy("policy", "required"),
    "review": _("review"),
    "role": _("role"),
    "rollup": _("roll-up"),
    "rounding": _("rounding"),
    "rows": _("rows"),
    "runs": pgettext_lazy("policy", "runs"),
    "scale": _("scale"),
    "schema": _("form of the document"),
    "scope": _("scope"),
    "score": _("score"),
    "seed": _("seed"),
    "severity": _("severity"),
    "share": pgettext_lazy("policy", "share"),
    "share_at_quota": _("share at quota"),
    "shares": pgettext_lazy("policy", "shares"),
    "simulate": _("simulation"),
    "source": _("clause"),
    "stages": _("stages"),
    "steps": _("steps"),
    "stretch": _("stretch"),
    "supersedes": _("supersedes"),
    "target": pgettext_lazy("policy", "target"),
    "target_incentive": _("target incentive"),
    "tiers": _("tier table"),
    "timezone": _("time zone"),
    "times": _("times"),
    "to": pgettext_lazy("policy", "until"),
    "top": _("first places"),
    "transfer": _("on a transfer"),
    "transition": _("change inside a period"),
    "true_up": _("true-up"),
    "type": _("type"),
    "up_to": _("up to"),
    "valid": _("valid"),
    "value": _("value"),
    "version": _("version"),
    "waiver": _("waiver"),
    "warn": _("warned before"),
    "weight": _("weight"),
    "weights": _("weights"),
    "when": pgettext_lazy("policy", "when"),
    "where": _("condition"),
    "window": _("window"),
    "within": _("within"),
    "agree": _("agreement"),
    "at": _("at"),
    "block": _("blocked"),
    "change": _("change"),
    "change_note": _("what changes"),
    "closes": _("closes the deal"),
    "combine": _("combined"),
    "counts": _("counts"),
    "default": _("unless said"),
    "each": _("each"),
    "exclude": _("left out"),
    "fallback": _("otherwise"),
    "goal": _("goal"),
    "history": _("results of"),
    "holidays": _("holidays"),
    "label": _("label"),
    "missed": _("missed"),
    "missing": _("when data are missing"),
    "mute": _("silent for"),
    "negative": _("below nothing"),
    "outcome": _("outcome"),
    "overdue": _("overdue after"),
    "pattern": _("calendar"),
    "payout": _("payout"),
    "quota": _("quota"),
    "rank_by": _("ranked by"),
    "reason": _("reason"),
    "roles": _("roles"),
    "shift_days": _("make-up working days"),
    "skip": _("skipping"),
    "starts": _("begins"),
    "submit_by": _("submitted by"),
    "ties": _("ties"),
    "total": _("total"),
    "weekday": _("weekday"),
    "weekdays": _("working weekdays"),
}


def key_word(key: str) -> str:
    """What a key of the document is called; the key itself where it has no other name."""
    return str(KEYS.get(key) or CHAPTERS.get(key) or key)


def name_word(name: str) -> str:
    """What a word of the vocabulary, such as history or seasonality, is called in the language of the page."""
    known = WORDS.get(name)
    return known[(get_language() or "").startswith("zh")] if known else name


def chapter(path: str) -> str:
    """The chapter that a place of the document belongs to."""
    top = re.split(r"[.\[]", path, maxsplit=1)[0]
    return str(CHAPTERS.get(top, top))


def prose_language() -> str:
    return "zh" if (get_language() or "").startswith("zh") else "en"


def names_of_ids(policy: Policy) -> dict[str, str]:
    """What the document itself calls its parts, by id."""
    found = {m.id: m.name for m in policy.metrics.values()}
    found |= {g.id: g.name for g in policy.goals if g.name}
    found |= {p.id: p.name for p in policy.incentive if p.name}
    found |= {c.id: c.name for _plan, c in policy.components() if c.name}
    found |= {a.id: a.name for a in policy.appraisal if a.name}
    if policy.process is not None:
        found |= {s.id: s.name for s in policy.process.stages}
    for part in (policy.classification, policy.follow_up, policy.recognition, policy.warnings):
        found |= {one.id: one.name for one in part if one.name}
    return found


def path_words(path: str, names: dict[str, str]) -> str:
    """ "incentive[rep].components[commission].rate" as people say it: the plan, its part, the rate."""
    parts: list[str] = []
    for key, mark in re.findall(r"\.?([^.\[\]]+)|\[([^\]]+)\]", path):
        if key:
            parts.append(names.get(key) or key_word(key))
        elif mark in names:
            parts[-1:] = [names[mark]]
        else:
            parts.append(name_word(mark))
    return " › ".join(parts)
