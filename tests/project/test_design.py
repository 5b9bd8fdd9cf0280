"""The design system is looked at by those who look after the product, and is made of the pieces themselves."""

from __future__ import annotations

from typing import Any

import pytest


def test_administrators_see_every_piece_on_both_grounds(cast: Any, client_of: Any) -> None:
    page = client_of("gaoxiang").get("/design").content.decode()
    for theme in ("light", "dark"):
        side = page.split(f'data-theme="{theme}"')[-1]
        for piece in (
            *("swatch-paper", "btn-primary", "pill tone-red", "face", 'class="stages', 'class="figures"', "row-link"),
            *("chip-radio", "errorlist", "chart-box", 'class="empty"', 'class="deal"', "line-body", "story-deed"),
            *("job-bar", 'class="toast"', 'class="menu"', 'class="sheet"', 'class="hits"', "tabs-row", "condition"),
        ):
            assert piece in side, (theme, piece)
    assert client_of("linjing").get("/design").status_code == 403


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_it_speaks_both_languages(cast: Any, client_of: Any, language: str) -> None:
    cast.gaoxiang.account.language = language
    cast.gaoxiang.account.save()
    assert ("设计系统" if language != "en" else "Design system") in client_of("gaoxiang").get(
        "/design"
    ).content.decode()
