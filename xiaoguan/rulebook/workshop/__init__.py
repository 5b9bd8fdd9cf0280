"""制度工坊 the policy workshop: a new version of a policy from the first line to the last signature.

models      drafts, back-tests, what was published and acknowledged, who has read and signed
drafts      begin, keep what is typed, check it, run its cases
places      where each value stands in the text; a value is changed there and all else stays as it is
fields      the numbers of a document as a form
differing   what changes between two documents: clause by clause in plain language, and line by line
trying      the back-test of a draft beside a version, person by person
publishing  submit, approve, publish, read and sign
pages, api  the same for people and for programs
"""

from __future__ import annotations

from typing import Any


def urls() -> list[Any]:
    """The workshop's pages and endpoints; they stand before those of every desk."""
    from xiaoguan.rulebook.workshop import api, pages, reading

    return [*reading.urls(), *pages.urls(), *api.urls()]
