"""The `lakehouse` command, one module per command. Thin: parse, call, print."""
