"""One suite, several servers that must pass the same tests; differences.toml says where they may not."""
