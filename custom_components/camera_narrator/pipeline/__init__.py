"""The three loops: buffer, dispatch, context. Standard library only; runs without Home Assistant."""
