"""销管 Xiaoguan: the company's sales rulebook as a document that runs."""

__version__ = "0.1.0"
