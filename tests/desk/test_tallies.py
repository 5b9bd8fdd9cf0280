"""The kept counts and totals are what a recount finds, whatever was done."""

from __future__ import annotations

import random
from typing import Any

from xiaoguan.desk import conformance, tallies, undo
from xiaoguan.desk.bulk import Target
from xiaoguan.desk.events import acting
from xiaoguan.desk.screens.boards import lane_totals
from xiaoguan.sales.models import Opportunity

STAGES = "identify", "contact", "propose"


def agree(desk: Any) -> None:
    assert tallies.kept(desk) == tallies.recount(desk)


def test_whatever_is_done_the_tallies_are_a_recount(cast: Any) -> None:
    desk, dice = conformance.desk("opportunity"), random.Random(7)
    people, made, batches = [cast.linjing, cast.wanglei, cast.zhouhang], [], []
    for _turn in range(60):
        with acting(cast.sunzong.pk, "page") as deed:
            one = dice.choice(made) if made else None
            match dice.randrange(8) if one else 0:
                case 0 | 1 | 2:
                    made.append(conformance.sample(Opportunity, dice.choice(people), stage=dice.choice(STAGES)))
                case 3:
                    one.owner, one.amount_units = dice.choice(people), dice.randrange(10**9)
                    one.save()
                case 4:
                    one.enter(dice.choice(STAGES))
                case 5:
                    one.currency = dice.choice(["CNY", "USD"])
                    one.save()
                case 6:
                    made.remove(one)
                    one.delete()
                case 7 if batches:
                    undo.undo_batch(batches.pop(), cast.viewer("sunzong"))
                    made = list(Opportunity.objects.all())
            batches.append(deed.batch)
        agree(desk)


def test_rows_written_in_bulk_are_counted(cast: Any) -> None:
    desk = conformance.desk("opportunity")
    sales = [conformance.sample(Opportunity, cast.linjing) for _ in range(3)]
    target = Target(Opportunity, ["stage", "amount", "note"])
    with acting(cast.sunzong.pk, "import"):
        target.update(
            [(s.pk, s.version, {0: (s.stage, "propose"), 1: (s.amount_units, 7_0000)}, None, "") for s in sales]
        )
    agree(desk)
    with acting(cast.sunzong.pk, "import") as deed:
        template = Opportunity.objects.get(pk=sales[0].pk)
        names = [f.name for f in Opportunity._meta.concrete_fields if f.name not in Opportunity.BOOKKEEPING]
        values = [getattr(template, Opportunity._meta.get_field(n).attname) for n in names]
        whole = Target(Opportunity, names)
        whole.insert([(pk, None, values, "") for pk in whole.allocate(5)])
    agree(desk)
    assert undo.undo_batch(deed.batch, cast.viewer("sunzong")).done == 5
    agree(desk)


def test_the_board_shows_each_the_tallies_of_what_they_may_see(cast: Any, rf: Any) -> None:
    from django.http import QueryDict

    from xiaoguan.desk.listing import Listing

    desk = conformance.desk("opportunity")
    for name in ("linjing", "linjing", "zhouhang", "wanglei"):
        conformance.sample(Opportunity, cast.people[name], amount=100_0000, stage="contact")
    for name in ("linjing", "chenmin", "wanglei", "sunzong", "zhaoyue"):
        viewer = cast.viewer(name)
        plain, filtered = (Listing.read(desk, viewer, QueryDict(q)) for q in ("", "where=amount:ge:0"))
        assert lane_totals(desk, plain) == lane_totals(desk, filtered), name
        assert plain.count() == filtered.count() == str(desk.visible(viewer).count()), name
    assert lane_totals(desk, Listing.read(desk, cast.viewer("sunzong"), QueryDict("")))["contact"]["count"] == 4


def test_a_wrong_tally_is_found_and_mended(cast: Any) -> None:
    from xiaoguan.desk.models import Tally

    desk = conformance.desk("opportunity")
    conformance.sample(Opportunity, cast.linjing)
    Tally.objects.update(number=9)
    assert tallies.rebuild(desk) == 1
    agree(desk)
    assert tallies.rebuild(desk) == 0
