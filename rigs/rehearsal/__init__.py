"""The narration rehearsed: whole days in minutes, with real pictures, on a clock that jumps from event to event."""
