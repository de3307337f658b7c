"""What the edge bridge costs and how fast it is, beside what people use instead: `python -m rigs.bench edge`."""
