"""The contract for others: each module writes it in one format, as text. Pure: no file is written.

What they export of published data is what `contracts/published.py` says.
"""
