"""The released Java and Go clients against our server, in both directions."""
