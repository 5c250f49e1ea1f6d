"""What all clients of a cluster share: routes, brokers, heartbeats, settings, identity. Knows no producer."""
