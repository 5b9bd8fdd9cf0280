from django.db import migrations

from xiaoguan.desk.search import create_table, drop_table


class Migration(migrations.Migration):
    dependencies = [("desk", "0001_initial")]
    operations = [migrations.RunPython(create_table, drop_table)]
