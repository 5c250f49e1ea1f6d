"""What a peer probably is that answers in something else than frames, judged by the first bytes it sends."""

from pyrocketmq._native.bytesio cimport load_be32

__all__ = ["guess_peer"]


def guess_peer(bytes first not None):
    """The likely cause and the advice for bytes that are no frames; None when they may be some."""
    cdef const unsigned char *at = first
    if len(first) < 4:
        return None
    if at[1] == 3 and at[0] in (0x15, 0x16):
        # A TLS record: 0x16 is a handshake, 0x15 the alert to one who did not begin with it.
        return (
            "the server speaks TLS on this port",
            "give the TransportConfig tls=TlsConfig(...), or connect to the plain port",
        )
    if len(first) >= 9 and at[3] == 4 and at[4] <= 1 and load_be32(at + 5) == 0:
        # The frame of settings that every HTTP/2 server sends first: type 4, stream 0.
        return (
            "a gRPC (HTTP/2) server answers there, for example the gRPC port of a proxy",
            "connect to the remoting port: of a broker usually 10911, of a proxy 8080; its gRPC port is 8081",
        )
    if first.startswith(b"HTTP/"):
        return (
            "an HTTP server answers there, for example a dashboard or a load balancer",
            "check the port: name servers usually have 9876, brokers 10911",
        )
    if first[:4].isascii() and first[:4].decode("ascii").isprintable():
        return (
            f"something else than RocketMQ answers there: it says {first.decode('ascii', 'replace')!r}",
            "check the host and the port: name servers usually have 9876, brokers 10911",
        )
    return None
