"""组织: positions, people, teams, who leads whom, territories, pay terms; and who of them sells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from xiaoguan.base.money import SCALE
from xiaoguan.people.models import (
    Membership,
    PayTerms,
    Person,
    Position,
    ReportingLine,
    Role,
    RoleAssignment,
    Team,
    Territory,
    TerritoryAssignment,
)
from xiaoguan.project import cast
from xiaoguan.project.simulation.clock import month_start
from xiaoguan.project.simulation.history import History, Part, Seller


class Organisation(Part):
    """Everybody of the cast, placed from when until when. roles: by code."""

    def __init__(self, history: History, roles: dict[str, Role]):
        super().__init__(history)
        self._roles = roles
        self._teams: dict[str, Team] = {}

    def make(self) -> None:
        """Keep the organisation, and those who sell as `history.sellers`."""
        positions = {
            key: self.history.made(Position(name=name, level=level), self.history.first, "helin")
            for key, (name, level) in cast.POSITIONS.items()
        }
        for player in cast.PLAYERS:
            self.history.people[player.key] = self._person(player, positions[player.position])
        owner = self.history.people["sunzong"]
        root = self.history.made(Team(name=cast.COMPANY, leader=owner), self.history.first, "helin")
        for key, (name, leader) in cast.TEAMS.items():
            team = Team(name=name, parent=root, leader=self.history.people[leader])
            self._teams[key] = self.history.made(team, self.history.first, "helin", 1)
        self._territories()
        for player in cast.PLAYERS:
            self._placing(player)

    def _person(self, player: cast.Player, position: Position) -> Person:
        if player.hired is None:
            hired = self.days.since(self.history.first - timedelta(days=self.rng.randrange(120, 3_200)))
        else:
            hired = self.days.since(month_start(self.history.today, player.hired))
        person = Person(
            name=player.name,
            email=f"{player.key}@{cast.MAIL}",
            phone=self.names.phone(),
            position=position,
            hired_on=hired,
            left_on=None if player.left is None else month_start(self.history.today, player.left),
        )
        return self.history.made(person, hired, "helin")

    def _territories(self) -> None:
        roots = {
            abroad: self.history.made(Territory(name=name, code=code), self.history.first, "wufang")
            for abroad, name, code in ((False, "中国大陆", "CN"), (True, "境外", "INT"))
        }
        groups: dict[str, Territory] = {}
        for key, place in cast.PLACES.items():
            if place.group not in groups:
                group = Territory(name=place.group, parent=roots[place.country != "CN"])
                groups[place.group] = self.history.made(group, self.history.first, "wufang", 1)
            territory = Territory(name=place.name, code=place.code, parent=groups[place.group], country=place.country)
            self.history.territories[key] = self.history.made(territory, self.history.first, "wufang", 2)

    def _placing(self, player: cast.Player) -> None:
        """Team, manager, role, territories, pay terms and the seller of one person, from when until when."""
        person = self.history.people[player.key]
        starts, ends = person.hired_on, person.left_on
        role = RoleAssignment(person=person, role=self._roles[player.role], starts_on=starts, ends_on=ends)
        self.history.made(role, starts, "gaoxiang")
        stays = [(player.team, player.places, starts, ends)]
        if player.moves_to and self.history.turn:
            stays = [
                (player.team, player.places, starts, self.history.turn),
                (player.moves_to, ("netherlands",), self.history.turn, ends),
            ]
        for team, places, since, until in stays:
            self._stay(person, team, places, since, until)
        if not player.strength:
            return
        percent, bonus = ("0.03", 6_000 * SCALE) if player.role == "sales_rep" else ("0.005", None)
        terms = PayTerms(
            person=person, commission_percent=Decimal(percent), currency="CNY", starts_on=starts, ends_on=ends
        )
        terms.bonus_units = bonus
        self.history.made(terms, starts, "helin")
        team, places, _since, _until = stays[0]
        self.history.sellers.append(Seller(player, person, team, places, starts, ends))

    def _stay(self, person: Person, team: str, places: Sequence[str], since: date, until: date | None) -> None:
        dates = {"person": person, "starts_on": since, "ends_on": until}
        self.history.made(Membership(team=self._teams[team], **dates), since, "helin")
        leader = self.history.people[cast.TEAMS[team][1]]
        boss = self.history.people["sunzong"] if leader is person else leader
        if boss is not person:
            self.history.made(ReportingLine(manager=boss, **dates), since, "helin")
        for place in places:
            self.history.made(TerritoryAssignment(territory=self.history.territories[place], **dates), since, "wufang")
