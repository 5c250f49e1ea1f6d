"""How many messages the embedded broker takes and gives, beside a real one on the same core."""
