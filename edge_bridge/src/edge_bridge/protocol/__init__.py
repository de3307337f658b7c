"""The wire messages between a bridge and Home Assistant, version 1.

This package exists twice, byte for byte: in the integration (the canonical copy) and in the bridge. The two are
installed on different days, so what keeps them together is the negotiated version and the golden vectors, not
the import. Standard library only.

Text frames are JSON objects tagged by ``type``; binary frames are a header and a JPEG. Everything malformed raises
:exc:`~.record.ProtocolError`, which names the field. Unknown keys are ignored, unknown types are returned as
:class:`~.messages.Unknown`, and every length has a limit.
"""
