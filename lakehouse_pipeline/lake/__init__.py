"""Everything that touches storage: CSV files, Delta tables, DuckDB connections, keys."""
