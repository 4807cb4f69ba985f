"""Both ends of STAMP that others wrote: scapy builds the packets and reads them.

stamp.py open HOST PORT     seq 0, 1 and 3 with options; sent with TTL 200, DSCP AF41, ECN capable
stamp.py signed HOST PORT KEY   one authenticated request, by RFC 8762's figures and Python's hmac
stamp.py reflect HOST COUNT     a reflector of so many requests; the reply to the third goes nowhere

The first two print one JSON object a reply, the last its port and one JSON object a request.
"""

import hashlib
import hmac
import json
import socket
import struct
import sys
import time


def peer(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(5)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 200)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 34 << 2 | 2)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 200)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 34 << 2 | 2)
    sock.connect((host, port))
    return sock


def open_mode(host, port):
    from scapy.layers.inet import UDP
    from scapy.contrib.stamp import (
        ErrorEstimate,
        STAMPSessionReflectorTestUnauthenticated as Reply,
        STAMPSessionSenderTestUnauthenticated as Request,
        STAMPTestTLV as Tlv,
    )

    sock = peer(host, port)
    for seq in (0, 1, 3):
        sent = time.time() + 2208988800
        options = [
            Tlv(flags=0x80, type=1, len=5, value=b"\1\2\3\4\5"),
            Tlv(flags=0x80, type=4, len=4, value=struct.pack(">HH", 46 << 10, 0)),
            Tlv(flags=0x80, type=5, len=12, value=struct.pack(">III", seq + 1, 0, 0)),
            Tlv(flags=0x80, type=241, len=2, value=b"hi"),
        ]
        estimate = ErrorEstimate(S=0, Z=0, scale=20, multiplier=3)
        request = Request(seq=seq, ts=sent, err_estimate=estimate, ssid=77, tlv_objects=options)
        sock.send(bytes(request))
        received = sock.recv(9000)
        back = time.time() + 2208988800
        # scapy 2.5 takes the options' length from a UDP header, which it then fails to find.
        reply = Reply(received, _parent=UDP(len=8 + len(received)))
        raw = received[28:36] == bytes(request)[4:12]
        print(json.dumps({
            "bytes_sent": len(bytes(request)), "bytes": len(received), "seq": reply.seq,
            "seq_sender": reply.seq_sender, "ssid": reply.ssid, "ttl": reply.ttl_sender,
            "estimate_echoed": bytes(reply.err_estimate_sender) == bytes(estimate),
            "multiplier": reply.err_estimate.multiplier, "stamp_echoed": raw,
            "out": ntp(received, 16) - sent, "turn": ntp(received, 4) - ntp(received, 16),
            "back": back - ntp(received, 4),
            "tlvs": [[int(tlv.flags), tlv.type, bytes(tlv.value).hex()]
                     for tlv in reply.tlv_objects],
        }), flush=True)


def reflect_mode(host, count):
    from scapy.layers.inet import UDP
    from scapy.contrib.stamp import (
        ErrorEstimate,
        STAMPSessionReflectorTestUnauthenticated as Reply,
        STAMPSessionSenderTestUnauthenticated as Request,
        STAMPTestTLV as Tlv,
    )

    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(20)
    sock.bind((host, 0))
    print(sock.getsockname()[1], flush=True)
    before = (0, 0)
    for number in range(count):
        received, sender = sock.recvfrom(9000)
        came = time.time() + 2208988800
        request = Request(received, _parent=UDP(len=8 + len(received)))
        options = []
        for tlv in request.tlv_objects:
            asked = bytes(tlv.value)
            value = {
                # As wanted; seen CS1, congestion experienced.
                4: struct.pack(">HH", (asked[0] >> 2) << 10 | 8 << 4 | 3 << 2, 0),
                5: asked[:4] + struct.pack(">II", number + 1, number + 1),
                7: struct.pack(">IQB3x", before[0], before[1], 1),
            }.get(tlv.type, asked)
            options.append(Tlv(flags=0, type=tlv.type, len=tlv.len, value=value))
        reply = bytes(Reply(
            seq=number, ts=time.time() + 2208988800, ts_rx=came, ssid=request.ssid,
            err_estimate=ErrorEstimate(S=1, Z=0, scale=3, multiplier=7), seq_sender=request.seq,
            err_estimate_sender=request.err_estimate, ttl_sender=250, tlv_objects=options,
        ))
        # Through scapy's floats half a microsecond is lost.
        reply = reply[:28] + received[4:12] + reply[36:]
        # It truly left a millisecond after its time stamp.
        before = (number, struct.unpack_from(">Q", reply, 4)[0] + 2**32 // 1000)
        if number != 2:
            sock.sendto(reply, sender)
        print(json.dumps({
            "bytes": len(received), "seq": request.seq, "ssid": request.ssid, "mbz": request.mbz,
            "behind": came - ntp(received, 4), "multiplier": request.err_estimate.multiplier,
            "tlvs": [[int(tlv.flags), tlv.type, bytes(tlv.value).hex()]
                     for tlv in request.tlv_objects],
        }), flush=True)


def ntp(packet, at):
    return struct.unpack_from(">Q", packet, at)[0] / 2**32


def signed_mode(host, port, key):
    def cut(text):
        return hmac.new(key.encode(), text, hashlib.sha256).digest()[:16]

    sock = peer(host, port)
    now = int((time.time() + 2208988800) * 2**32)
    packet = struct.pack(">I12xQHH68x", 9, now, 0x0101, 5)
    option = struct.pack(">BBHIII", 0x80, 5, 12, 1, 0, 0)
    packet += cut(packet) + option
    packet += struct.pack(">BBH", 0x80, 8, 16) + cut(packet[:4] + option)
    sock.send(packet)
    reply = sock.recv(9000)
    seq, sender = struct.unpack_from(">I", reply)[0], struct.unpack_from(">I", reply, 48)[0]
    print(json.dumps({
        "bytes_sent": len(packet), "bytes": len(reply), "seq": seq, "seq_sender": sender,
        "ssid": struct.unpack_from(">H", reply, 26)[0], "ttl": reply[80],
        "stamp_echoed": reply[64:72] == packet[16:24],
        "hash": reply[96:112] == cut(reply[:96]),
        "counters": list(struct.unpack_from(">III", reply, 116)),
        "options_hash": reply[132:148] == cut(reply[:4] + reply[112:128]),
        "flags": [reply[112], reply[128]],
    }), flush=True)


if __name__ == "__main__":
    mode, host, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if mode == "open":
        open_mode(host, number)
    elif mode == "reflect":
        reflect_mode(host, number)
    else:
        signed_mode(host, number, sys.argv[4])
