"""The only importer of Dagster: assets, checks, the sensor, the instance."""
