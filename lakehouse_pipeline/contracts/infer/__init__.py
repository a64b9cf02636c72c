"""A draft of a contract from facts about a sample's columns. Pure: nothing here reads a file."""
