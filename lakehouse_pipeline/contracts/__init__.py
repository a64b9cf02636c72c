"""The contract: what a dataset promises. Pure: reads text, opens no connection."""
