from django.apps import AppConfig


class SalesConfig(AppConfig):
    name = "xiaoguan.sales"
    label = "sales"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xiaoguan.rulebook.world import use_rates_from, use_splits_from, use_stays_from
        from xiaoguan.sales.credit import any_splits, rates_between, splits_of
        from xiaoguan.sales.staying import stays_on

        use_splits_from(any_splits, splits_of)
        use_rates_from(rates_between)
        use_stays_from(stays_on)
