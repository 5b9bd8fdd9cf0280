"""What hangs on any record by its kind and id, as comments and shares do: a merge takes it along.

Such a model has the fields `entity` and `record_id`.
"""

from __future__ import annotations

from typing import TypeVar

from django.db import models

M = TypeVar("M", bound=type[models.Model])
_models: dict[str, type[models.Model]] = {}


def attaches(model: M) -> M:
    """Class decorator: the rows of this model go along with their record."""
    _models[model.__name__.lower()] = model
    return model


def attached() -> dict[str, type[models.Model]]:
    """{name: model} of everything that hangs on records."""
    return dict(_models)
