"""The operations of a broker for programs without an event loop: each method forwards and waits."""
