"""The operations of a name server for programs without an event loop: each method forwards and waits."""
