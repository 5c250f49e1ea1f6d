"""What travels between a client and a server: commands, headers, messages and the bodies of answers."""
