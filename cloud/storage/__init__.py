"""The relational store: engine, unit of work, one writer with priorities, migrations. Knows no
concept of care."""
