"""From landing files to published tables. Knows neither Dagster nor HTTP.

`process.py` takes a range of batches through the layers; `raw.py`, `judgement.py` and `release.py`
write them; `outcomes.py` is what they say happened.
"""
