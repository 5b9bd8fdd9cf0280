"""The checking and writing of one table of an import: what it does to the process around it."""

import gc

import pytest

from xiaoguan.desk.loading import rare_collections


def test_the_garbage_collector_is_as_before_when_the_last_import_is_out():
    before = gc.get_threshold()
    with rare_collections():
        with pytest.raises(ZeroDivisionError), rare_collections():
            raise ZeroDivisionError
        assert gc.get_threshold()[0] > before[0]
    assert gc.get_threshold() == before
