"""The compiled engine of FlaxFile, sources in csrc/flaxfile/_core. Knows nothing of keys, permissions or
retries.
"""
