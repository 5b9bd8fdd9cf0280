"""Fields and kinds of records that a company adds while the system runs (自定义字段, 自定义对象).

A field is a real column, and an entity a real table, so that lists, filters, search, API, import, export, history and
undo need not know of them. `define` writes a definition and its column in one transaction; `live` gives the running
models the fields; other processes notice by a stamp before their next request.

    models     the definitions          fields    from a definition to Django fields
    columns    tables, columns, indexes, and keeping them over migrations
    live       the models and desks of this process       computing    formulas
"""
