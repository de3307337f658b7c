"""The demo: real footage, a real bridge, a real Home Assistant, and the story as it arrives on MQTT."""
