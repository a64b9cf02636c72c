"""The audit stream: the names of events and what each one says."""
