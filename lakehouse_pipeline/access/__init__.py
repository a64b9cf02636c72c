"""Who may do what: roles, permissions and tokens. Pure; the file is in `lake/token_file.py`."""
