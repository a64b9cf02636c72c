"""SQL text from a contract, one layer per module. Pure: nothing here runs a query."""
