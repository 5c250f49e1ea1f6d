"""The client: links to a server, uploads, downloads, and everything that is asked."""
