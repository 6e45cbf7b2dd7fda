"""The store: SQLModel tables and the queries over them. Queries are keyword-only and never commit."""
