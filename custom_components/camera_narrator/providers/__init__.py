"""Who writes the words: one file each, one row in the table."""
