from django.db import migrations

from xiaoguan.desk.duplicates import create_table, drop_table


class Migration(migrations.Migration):
    dependencies = [("desk", "0012_approvals")]
    operations = [migrations.RunPython(create_table, drop_table)]
