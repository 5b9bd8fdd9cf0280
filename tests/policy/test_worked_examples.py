"""Published examples, word for word from the specification: every one of them, through scripts/examples.py."""

import json
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from .making import ROOT

spec = spec_from_file_location("examples", ROOT / "scripts" / "examples.py")
assert spec is not None and spec.loader is not None
script = module_from_spec(spec)
spec.loader.exec_module(script)
FOUND = script.FILE.exists()
pytestmark = pytest.mark.skipif(not FOUND, reason=f"no worked examples at {script.FILE}; set XIAOGUAN_SHARED")
EXAMPLES = {one["id"]: one for one in json.loads(script.FILE.read_text())["examples"]} if FOUND else {}


def test_every_example_is_worked_out():
    assert set(script.EXAMPLES) == set(EXAMPLES)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_example(name):
    one = EXAMPLES[name]
    assert script.EXAMPLES[name](one["inputs"], one["expected"]) == one["expected"]
