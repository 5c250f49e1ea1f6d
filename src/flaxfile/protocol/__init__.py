"""The wire protocol: headers, kinds of messages, payloads, journals. No I/O."""
