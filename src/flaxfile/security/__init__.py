"""Who may talk to whom: keys from passwords and files, pins of servers, and the judge of clients."""
