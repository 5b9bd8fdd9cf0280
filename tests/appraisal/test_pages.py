"""Appraisals in the page and over the API: who sees what, and that nobody learns who rated whom."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import translation

from tests.appraisal.test_cycles import State, did, of, rate, through
from tests.rulebook.test_lines import SENTENCE
from xiaoguan.appraisal import cycles, pages
from xiaoguan.appraisal.cycles import plan_of
from xiaoguan.appraisal.models import AppraisalCycle, AppraisalRecord, Rating
from xiaoguan.desk.models import Event
from xiaoguan.people.models import Grant, Role
from xiaoguan.rulebook.lines import spoken


@pytest.fixture
def rated(company: Any) -> AppraisalCycle:
    """The first quarter of 2026: 陈敏 gave 林静 a 9, 周航 gave her a 3 with words."""
    cycle = through("2026-Q1", State.RATING)
    rate(cycle, company.linjing, company.chenmin, "9")
    cycles.give(Rating.objects.get(person=company.linjing, rater=company.zhouhang), 3, "She never answers me")  # type: ignore[arg-type]
    return cycle


def test_a_rater_gives_ratings_on_one_page(rated: AppraisalCycle, company: Any, client_of: Any) -> None:
    browser = client_of("linjing", HTTP_ACCEPT_LANGUAGE="en")
    page = browser.get("/ratings/mine").content.decode()
    assert "周航" in page and "Teamwork" in page and "your name is not shown" in page
    one = Rating.objects.get(rater=company.linjing)
    sheet = {"sheet": f"{rated.pk}-{company.zhouhang.pk}", f"score-{one.pk}": "11", "comment": "Helpful"}
    wrong = browser.post("/ratings/mine", sheet)
    assert wrong.status_code == 422 and "Give a score from 0 to 10" in wrong.content.decode()
    assert browser.post("/ratings/mine", {**sheet, f"score-{one.pk}": "8.5"}).status_code == 302
    one.refresh_from_db()
    assert (one.state, str(one.score), one.comment) == ("given", "8.50", "Helpful")
    assert browser.post("/ratings/mine", {"sheet": sheet["sheet"], "decline": "1"}).status_code == 302
    one.refresh_from_db()
    assert (one.state, one.score) == ("declined", None)
    assert client_of("gaoxiang").post("/ratings/mine", sheet).status_code == 302
    assert client_of("wanglei").post(f"/api/ratings/{one.pk}/give", {"score": "1"}).status_code in (403, 404)


def test_who_gave_what_is_on_no_page_and_in_no_answer(rated: AppraisalCycle, company: Any, client_of: Any) -> None:
    """Not to HR, not to the person, not after an administrator opened everything to HR."""
    given = Rating.objects.get(person=company.linjing, rater=company.zhouhang)
    through("2026-Q1")
    Grant(role=Role.objects.get(code="hr"), entity="rating", deed="read", scope="all").save()
    record = of(rated, company.linjing).pk
    for name in ("helin", "linjing", "chenmin", "sunzong", "gaoxiang"):
        browser = client_of(name)
        assert browser.get(f"/api/ratings/{given.pk}").status_code == 404
        listed = browser.get("/api/ratings", {"limit": "200"})
        rows = listed.json()["items"] if listed.status_code == 200 else []
        assert {row["rater"] for row in rows} <= {company.people[name].pk}
        export = browser.get("/ratings/export.csv")
        body = b"".join(export.streaming_content).decode() if export.status_code == 200 else ""
        assert "林静" not in body or name in ("chenmin",)
        for address in (f"/appraisals/{record}", f"/appraisal-cycles/{rated.pk}", f"/appraisals/team?cycle={rated.pk}",
                        f"/api/appraisals/{record}", f"/api/appraisal-cycles/{rated.pk}/results",
                        f"/appraisals/{record}/timeline"):  # fmt: skip
            text = browser.get(address).content.decode()
            assert "never answers" not in text, "one voice of a group that needs two"
            assert "ratings: manager 90, peer" not in text


def test_one_sees_ones_own_result_once_it_is_calculated(rated: AppraisalCycle, company: Any, client_of: Any) -> None:
    browser = client_of("linjing", HTTP_ACCEPT_LANGUAGE="en")
    assert "No appraisal yet" in browser.get("/appraisals/mine").content.decode()
    did(company, "helin", rated, "calculate")
    where = browser.get("/appraisals/mine")
    assert where.status_code == 302
    page = browser.get(where["Location"]).content.decode()
    assert "96" in page and "SO-1" in page and "weight 60%" in page.replace(" %", "%")
    other = of(rated, company.wanglei).pk
    assert browser.get(f"/appraisals/{other}").status_code == 404
    did(company, "helin", rated, "send_back", reason="A rating is missing")
    Grant(role=Role.objects.get(code="sales_rep"), entity="appraisalrecord", deed="read", scope="own").save()
    assert browser.get(where["Location"]).status_code == 404, "while it is rated again there is only a draft"
    assert client_of("helin").get(where["Location"]).status_code == 200


def test_the_team_stands_in_a_grid_with_its_distribution(rated: AppraisalCycle, company: Any, client_of: Any) -> None:
    did(company, "helin", rated, "calculate")
    page = client_of("chenmin", HTTP_ACCEPT_LANGUAGE="en").get("/appraisals/team").content.decode()
    assert "林静" in page and "王磊" not in page and "/ask/calibrate" in page
    assert "by the policy" in page
    page = client_of("sunzong", HTTP_ACCEPT_LANGUAGE="en").get("/appraisals/team").content.decode()
    assert "王磊" in page and "/ask/calibrate" not in page, "the policy names the sales manager"
    answer = client_of("helin").get(f"/api/appraisal-cycles/{rated.pk}/results").json()
    assert answer["distribution"] == {
        "mode": "guide",
        "wanted": {"A": 1, "B": 1, "C": 0},
        "found": {"A": 1, "B": 0, "C": 1},
    }
    lin = next(item for item in answer["items"] if item["name"] == "林静")
    assert (lin["score"], lin["grade"], lin["factor"]) == ("96.00", "A", "1.2")
    assert (
        "zhouhang" not in json.dumps(answer)
        and client_of("zhouhang").get(f"/api/appraisal-cycles/{rated.pk}/results").json()["items"][0]["name"] == "周航"
    )


def test_the_way_of_a_cycle_over_the_api(company: Any, client_of: Any) -> None:
    hr = client_of("helin")
    made = hr.post("/api/appraisal-cycles", json.dumps({"label": "2026-Q1"}), content_type="application/json")
    assert made.status_code == 201, made.content
    pk = made.json()["id"]
    assert AppraisalCycle.objects.get(pk=pk).appraisal == "quarterly"
    asked = hr.post(
        f"/api/appraisal-cycles/{pk}/ask", json.dumps({"until": "2026-04-15"}), content_type="application/json"
    )
    assert asked.status_code == 200, asked.content
    assert Rating.objects.filter(cycle=pk).count() == 5 and not AppraisalRecord.objects.exists()
    assert (
        client_of("linjing")
        .post("/api/appraisal-cycles", json.dumps({"label": "2026-Q2"}), content_type="application/json")
        .status_code
        == 403
    )
    assert hr.get(f"/appraisal-cycles/{pk}").status_code == 200


def test_a_chinese_page_has_no_english_sentence_of_the_engine(rated: AppraisalCycle, company: Any) -> None:
    did(company, "helin", rated, "calculate")
    found: list[str] = []
    with translation.override("zh-hans"):
        for record in rated.records.all():
            for line in pages.lines_of(record, plan_of(rated)):
                found += [line["formula"], line["note"], *(part["note"] for part in line["parts"])]
            found += [spoken(step) for step in record.steps]
    assert any("缺少“teamwork”：权重由其他指标分摊" in text for text in found)
    assert not [text for text in found if SENTENCE.search(text)]


def test_hr_asks_another_rater_and_the_history_does_not_say_whom(
    rated: AppraisalCycle, company: Any, client_of: Any
) -> None:
    rows = {"person": company.linjing.pk, "rater": company.wanglei.pk, "group": "peer"}
    with pytest.raises(PermissionDenied):
        did(company, "chenmin", rated, "ask_rater", **rows)
    did(company, "helin", rated, "ask_rater", **rows)
    assert Rating.objects.get(person=company.linjing, rater=company.wanglei).group == "peer"
    for event in Event.objects.filter(deed__in=("ask_rater", "give")):
        assert event.changes == {}
    for wrong in (rows, {**rows, "rater": company.linjing.pk}, {**rows, "person": company.sunzong.pk}):
        with pytest.raises(ValidationError):
            did(company, "helin", rated, "ask_rater", **wrong)
    sheet = client_of("helin").get(f"/appraisal-cycles/{rated.pk}/ask/ask_rater")
    assert sheet.status_code == 200 and 'value="peer"' in sheet.content.decode()
    did(company, "helin", rated, "ask_again", until="2026-05-01")
    assert str(rated.due_on) == "2026-05-01" and rated.ratings.count() == 6
