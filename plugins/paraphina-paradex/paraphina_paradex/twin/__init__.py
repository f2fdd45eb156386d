"""The venue from the other side; so far only what the conformance suite tries the connector on."""
