"""期间日历: labels, fiscal years, 4-4-5, custom periods, working days."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoguan.base.periods import Calendar, CalendarGap, Period, YearEnd, span

PLAIN = Calendar()
RETAIL = Calendar(pattern="454", fiscal_year_ends=YearEnd("saturday", 1, 31), label="first_day", week_starts="sunday")
TEAM = Calendar(pattern="445", fiscal_year_ends=YearEnd("sunday", 12, 31))
OCTOBER = Calendar(fiscal_year_starts=(10, 1))
QUOTA = Calendar(custom={"quota_period": [date(2011, 5, 31), date(2011, 8, 31), date(2011, 12, 1), date(2012, 2, 29)]})
CHINA = Calendar(holidays="cn")
WEEKS = Calendar(pattern="weeks")


@pytest.mark.parametrize(
    ("text", "kind", "start", "end"),
    [
        ("2026", "year", "2026-01-01", "2027-01-01"),
        ("2026-H1", "half_year", "2026-01-01", "2026-07-01"),
        ("2026-Q1", "quarter", "2026-01-01", "2026-04-01"),
        ("2026-03", "month", "2026-03-01", "2026-04-01"),
        ("2026-W07", "week", "2026-02-09", "2026-02-16"),
        ("2026-W01", "week", "2025-12-29", "2026-01-05"),
        ("2026-03-02", "day", "2026-03-02", "2026-03-03"),
        ("2026-01-01..2026-02-01", "range", "2026-01-01", "2026-02-01"),
    ],
)
def test_a_label_is_read_and_written_back(text, kind, start, end):
    period = PLAIN.parse(text)
    assert period == Period(date.fromisoformat(start), date.fromisoformat(end), kind, text)
    assert Period.from_json(period.to_json()) == period


@pytest.mark.parametrize("text", ["", "2026-13", "2026-Q5", "2026-W54", "2026-02-30", "2026-02-01..2026-01-01", "März"])
def test_a_wrong_label_is_refused_with_examples(text):
    with pytest.raises(ValueError, match="2026-Q1"):
        PLAIN.parse(text)


def test_a_custom_period_is_found_by_its_first_day():
    assert QUOTA.parse("2011-08-31") == Period(date(2011, 8, 31), date(2011, 12, 1), "quota_period", "2011-08-31")
    assert QUOTA.parse("2011-09-01").kind == "day"
    second = QUOTA.period("quota_period", date(2011, 11, 30))
    assert QUOTA.previous(second).label == "2011-05-31"
    with pytest.raises(ValueError, match="2012-02-28"):
        QUOTA.period("quota_period", date(2012, 2, 29))
    with pytest.raises(ValueError, match="rising"):
        Calendar(custom={"season": [date(2026, 1, 1), date(2026, 1, 1)]})


def test_fiscal_years_count_quarters_from_their_first_month():
    assert OCTOBER.parse("2017-Q3").start == date(2017, 4, 1)
    assert OCTOBER.parse("2017-M09").label == "2017-06"
    assert Calendar(fiscal_year_starts=(10, 1), label="first_day").parse("2016") == OCTOBER.parse("2017").__class__(
        date(2016, 10, 1), date(2017, 10, 1), "year", "2016"
    )
    uk = Calendar(fiscal_year_starts=(4, 6))
    assert uk.period("month", date(2026, 4, 5)).label == "2026-M12"
    assert uk.parse("2026-12") == uk.parse("2026-M12") == uk.period("month", date(2026, 4, 5))


def test_the_team_year_2026_has_53_weeks_and_its_last_month_takes_the_extra_one():
    year = TEAM.parse("2026")
    assert (year.start, year.end) == (date(2025, 12, 29), date(2027, 1, 4))
    weeks = [month.days // 7 for month in TEAM.children(year, "month")]
    assert weeks == [4, 4, 5, 4, 4, 5, 4, 4, 5, 4, 4, 6]
    assert TEAM.parse("2026-W53").end == year.end
    with pytest.raises(ValueError, match="no week 53"):
        TEAM.parse("2025-W53")


def test_weeks_of_a_month_are_split_or_belong_whole():
    march = PLAIN.parse("2026-03")
    weeks = PLAIN.children(march, "week")
    assert [week.days for week in weeks] == [1, 7, 7, 7, 7, 2]
    whole = Calendar(week_belongs_to="thursday").children(march, "week")
    assert [week.label for week in whole] == ["2026-W10", "2026-W11", "2026-W12", "2026-W13"]
    with pytest.raises(ValueError, match="tile"):
        PLAIN.children(PLAIN.parse("2026-03-02..2026-04-02"), "month")


def test_plain_weeks_are_those_of_iso_8601_and_have_no_months():
    assert (WEEKS.parse("2026").start, WEEKS.parse("2026").end) == (date(2025, 12, 29), date(2027, 1, 4))
    assert [quarter.days // 7 for quarter in WEEKS.children(WEEKS.parse("2026"), "quarter")] == [13, 13, 13, 14]
    for day in (date(2024, 12, 30), date(2027, 1, 3), date(2026, 7, 1)):
        year, week, _weekday = day.isocalendar()
        assert WEEKS.period("week", day).label == f"{year}-W{week:02d}"
    assert "month" not in WEEKS.kinds
    for wrong in (lambda: WEEKS.period("month", date(2026, 1, 1)), lambda: WEEKS.parse("2026-03")):
        with pytest.raises(ValueError, match="month"):
            wrong()


def test_weeks_are_due_in_the_month_they_belong_to():
    january = PLAIN.parse("2026-01")  # 26 January to 1 February is the week across its end
    assert [(w.start.day, w.days) for w in PLAIN.ending_in(january, "week")][-1] == (26, 6)
    for belongs, last in (("thursday", 26), ("first_day", 26), ("last_day", 19)):
        weeks = Calendar(week_belongs_to=belongs).ending_in(january, "week")
        assert weeks[-1].start.day == last and weeks[-1].days == 7


def test_what_is_due_when_a_period_closes():
    assert [p.label for p in PLAIN.ending_in(PLAIN.parse("2026-03"), "quarter")] == ["2026-Q1"]
    assert PLAIN.ending_in(PLAIN.parse("2026-02"), "quarter") == []
    assert [p.label for p in PLAIN.ending_in(PLAIN.parse("2026-Q1"), "month")] == ["2026-01", "2026-02", "2026-03"]
    assert [p.label for p in QUOTA.ending_in(QUOTA.parse("2011"), "quota_period")] == ["2011-05-31", "2011-08-31"]
    assert PLAIN.ending_in(PLAIN.parse("2026-02"), "month") == [PLAIN.parse("2026-02")]


def test_last_year_aligns_weeks_as_weeks_and_months_by_number():
    assert PLAIN.same_last_year(PLAIN.parse("2026-03")).label == "2025-03"
    assert PLAIN.same_last_year(PLAIN.parse("2024-02-29")).label == "2023-02-28"
    assert PLAIN.same_last_year(PLAIN.parse("2026-W07")).label == "2025-W07"
    assert TEAM.same_last_year(TEAM.parse("2026-M03")).label == "2025-M03"
    assert QUOTA.same_last_year(Period(date(2012, 5, 31), date(2012, 8, 30), "quota_period", "")).label == "2011-05-31"
    assert PLAIN.previous(span(date(2026, 1, 11), date(2026, 1, 21))).label == "2026-01-01..2026-01-11"


def test_working_days_know_holidays_and_make_up_days():
    assert CHINA.is_working_day(date(2026, 2, 28))  # a Saturday worked for the Spring Festival
    assert not CHINA.is_working_day(date(2026, 2, 17))
    assert not Calendar(holidays="cn", shift_days=False).is_working_day(date(2026, 2, 28))
    assert CHINA.working_days(date(2026, 2, 1), date(2026, 3, 1)) == 16
    assert PLAIN.working_days(date(2026, 2, 1), date(2026, 3, 1)) == 20


def test_a_year_without_holiday_table_is_named_with_the_remedy():
    with pytest.raises(CalendarGap, match=r"2044.*chinesecalendar"):
        CHINA.is_working_day(date(2044, 1, 1))


def test_a_calendar_that_cannot_work_is_refused():
    with pytest.raises(ValueError, match="1 to 12"):
        replace(TEAM, leap_week_to=13)
    with pytest.raises(ValueError, match="at least one"):
        Calendar(weekdays=())
    with pytest.raises(ValueError, match="fiscal_year_ends"):
        Calendar(pattern="445")
    with pytest.raises(ValueError, match="weekdays"):
        Calendar(weekdays=("mon",))
    with pytest.raises(ValueError, match="fortnight"):
        PLAIN.period("fortnight", date(2026, 1, 1))


@given(
    st.sampled_from([PLAIN, RETAIL, TEAM, OCTOBER, WEEKS, Calendar(fiscal_year_starts=(4, 6))]),
    st.sampled_from(["day", "week", "month", "quarter", "half_year", "year"]),
    st.dates(date(1990, 1, 1), date(2090, 1, 1)),
)
def test_every_day_is_in_its_period_and_the_label_finds_it_again(calendar, kind, day):
    kind = kind if kind in calendar.kinds else "quarter"
    period = calendar.period(kind, day)
    assert period.contains(day)
    assert calendar.parse(period.label) == period
    assert calendar.previous(period).end == period.start
    assert calendar.period(kind, period.end).start == period.end


@given(st.sampled_from([PLAIN, RETAIL, TEAM, OCTOBER]), st.dates(date(2000, 1, 1), date(2060, 1, 1)))
def test_children_tile_their_parent_exactly(calendar, day):
    year = calendar.period("year", day)
    for kind in ("month", "quarter", "half_year", "week"):
        parts = calendar.children(year, kind)
        assert (parts[0].start, parts[-1].end) == (year.start, year.end)
        assert all(a.end == b.start for a, b in pairwise(parts))
    assert sum((p.days for p in calendar.children(year, "month")), 0) * timedelta(1) == year.end - year.start
