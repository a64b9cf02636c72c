"""The HTTP API: thin FastAPI, one module per resource; its acts are in `orchestration/office`."""
