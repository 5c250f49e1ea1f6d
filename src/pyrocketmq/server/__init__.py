"""The embedded broker. It knows transport and what lies below, and no client, producer or consumer."""
