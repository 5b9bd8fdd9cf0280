"""Write docs/reference/policy.schema.json from the classes of the policy document."""

import json
from pathlib import Path

from xiaoguan.policy.jsonschema import json_schema

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "policy.schema.json"


def text() -> str:
    """The schema as it is published."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text())
