"""销售活动: calls and visits that were, and what everybody has before them."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from xiaoguan.project import cast
from xiaoguan.project.simulation.clock import DAY
from xiaoguan.project.simulation.history import Account, Part, Seller
from xiaoguan.sales.models import Activity, Opportunity


class Activities(Part):
    """Activities of those who sell, and tasks of those who do not."""

    def visits(
        self, seller: Seller, account: Account, deal: Opportunity, entered: list[tuple[str, date]], end: date
    ) -> None:
        """Calls and visits in every stage of a deal."""
        kinds = ("early", "early", "needs", "offer", "close")
        ends = [day for _stage, day in entered[1:]] + [end]
        for place, ((_stage, start), stop) in enumerate(zip(entered, ends, strict=True)):
            count = self.rng.poisson(1.15 * seller.player.effort) + (place == 0)
            for _ in range(count):
                day = self.days.draw(self.rng, max(start, self.history.go_live), min(stop + DAY, self.history.today))
                if day:
                    self._done(seller, account, day, kinds[min(place, 4)], deal)

    def care(self, seller: Seller, start: date, end: date) -> None:
        """Customers who are called without a deal."""
        known = [a for a in seller.accounts if a.since < end]
        if not known:
            return
        for _ in range(self.rng.poisson(8.5 * seller.player.effort)):
            account = self.rng.choice(known)
            day = self.days.draw(self.rng, max(start, account.since), end)
            if day:
                self._done(seller, account, day, "care", None)

    def greetings(self) -> None:
        """Most of those who were not heard of for long were called in the last weeks, as the policy wants it. Chance
        goes on afterwards as if there were none, so that they change nothing else."""
        state, last = self.rng.getstate(), dict[int, date]()
        for activity in self.history.rows[Activity][0]:
            if activity.done_on and activity.customer is not None:
                last[id(activity.customer)] = max(activity.done_on, last.get(id(activity.customer), activity.done_on))
        start = max(self.history.today - timedelta(days=22), self.history.go_live)
        for seller in self.history.sellers:
            for account in seller.accounts:
                known = last.get(id(account.customer), account.since)
                day = self.days.draw(self.rng, max(start, account.since), self.history.today)
                if known < start and self.rng.random() < 0.93 and day and account.contacts:
                    self._done(seller, account, day, "care", None)
        self.rng.setstate(state)

    def _activity(self, seller: Seller, account: Account, kind: str, deal: Opportunity | None) -> Activity:
        subject = self.rng.choice(cast.SUBJECTS[kind])
        visit = any(word in subject for word in ("拜访", "上门", "参观"))
        meeting = any(word in subject for word in ("会议", "演示", "谈判", "访谈"))
        message = any(word in subject for word in ("发送", "微信", "问候", "邀请"))
        found = "visit" if visit else "meeting" if meeting else "message" if message else "call"
        if found == "call" and self.rng.random() < 0.3:
            found = self.rng.one(visit=5, email=3, message=2)
        contact = self.rng.choice(account.contacts)
        return Activity(
            subject=subject,
            kind=found,
            customer=account.customer,
            contact=contact,
            opportunity=deal,
            owner=seller.person,
        )

    def _done(self, seller: Seller, account: Account, day: date, kind: str, deal: Opportunity | None) -> None:
        rng = self.rng
        activity = self._activity(seller, account, kind, deal)
        activity.due_on = activity.done_on = day
        spans = {"visit": (15, 120), "meeting": (30, 90), "call": (2, 25)}
        if activity.kind in spans:
            activity.minutes = rng.randrange(*spans[activity.kind])
        activity.outcome = self.rng.one(reached=14, not_reached=4, interested=3, refused=1)
        if rng.random() < 0.12:
            activity.note = rng.choice(cast.NOTES)
        self.history.made(activity, day, seller.person)

    def diaries(self) -> None:
        """What everybody has before them: a little that is late, today's, and the next two weeks."""
        deals: dict[int, list[Opportunity]] = defaultdict(list)
        for deal in self.history.rows[Opportunity][0]:
            if deal.result == "open":
                deals[id(deal.customer)].append(deal)
        ahead = [day for day in self.days.all if self.history.today < day <= self.history.today + timedelta(days=16)]
        behind = [day for day in self.days.all if self.history.today - timedelta(days=9) <= day < self.history.today]
        for seller in self.history.sellers:
            if not seller.accounts or not seller.sells_in(self.history.today, self.history.today + DAY):
                continue
            rng = self.rng
            late = [rng.choice(behind) for _ in range(rng.choice((1, 1, 2, 2, 3)))]
            coming = [rng.choice(ahead) for _ in range(rng.randrange(6, 12))]
            for due in [*late, *[self.history.today] * rng.randrange(3, 8), *coming]:
                self._plan(seller, rng.choice(seller.accounts), due, deals)

        self._office_tasks()

    def _office_tasks(self) -> None:
        """What those who do not sell have to do: some of it done, some due."""
        for player in cast.PLAYERS:
            for number, (subject, days) in enumerate(cast.TASKS.get(player.role, ())):
                person = self.history.people[player.key]
                task = Activity(subject=subject, kind=Activity.Kind.TASK, owner=person, due_on=self.history.today)
                task.due_on += timedelta(days=days - number % 2)
                planned = self.days.before(min(task.due_on, self.history.today) - timedelta(days=4))
                if days < -7:
                    task.done_on = planned = self.days.before(task.due_on)
                self.history.made(task, planned, person)

    def _plan(self, seller: Seller, account: Account, due: date, deals: dict[int, list[Opportunity]]) -> None:
        own = [d for d in deals[id(account.customer)] if d.owner is seller.person]
        deal = self.rng.choice(own) if own else None
        place = self.history.stages.index(deal.stage) if deal else 0
        kind = ("early", "early", "needs", "offer", "close")[min(place, 4)] if deal else "care"
        activity = self._activity(seller, account, kind, deal)
        activity.due_on = due
        made = min(due, self.history.today) - timedelta(days=self.rng.randrange(1, 8))
        self.history.made(activity, max(self.days.before(made), seller.starts), seller.person)
        customer = account.customer
        if customer.next_contact_on is None or due < customer.next_contact_on:
            self.history.changed(
                customer,
                max(activity.created_at, customer.created_at),
                seller.person,
                next_contact_on=(customer.next_contact_on, due),
            )
            customer.next_contact_on = due
