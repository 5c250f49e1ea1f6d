package main

import (
	"encoding/binary"
	"strconv"
)

// kv is one extFields entry of an answer.
type kv struct{ k, v string }

// appendReply adds a whole response frame.
func appendReply(out []byte, r *request, code int, remark string, ext []kv, body []byte) []byte {
	return appendFrame(out, r.codec, code, 1, r.opaque, remark, ext, body)
}

func appendFrame(out []byte, codec byte, code, flag int, opaque int32, remark string, ext []kv, body []byte) []byte {
	start := len(out)
	out = append(out, 0, 0, 0, 0, codec, 0, 0, 0)
	if codec == codecRocketMQ {
		out = binary.BigEndian.AppendUint16(out, uint16(code))
		out = append(out, langJava)
		out = binary.BigEndian.AppendUint16(out, brokerVersion)
		out = binary.BigEndian.AppendUint32(out, uint32(opaque))
		out = binary.BigEndian.AppendUint32(out, uint32(flag))
		out = binary.BigEndian.AppendUint32(out, uint32(len(remark)))
		out = append(out, remark...)
		mark := len(out)
		out = append(out, 0, 0, 0, 0)
		for _, e := range ext {
			out = appendBinaryField(out, e.k, e.v)
		}
		binary.BigEndian.PutUint32(out[mark:], uint32(len(out)-mark-4))
	} else {
		out = append(out, `{"code":`...)
		out = strconv.AppendInt(out, int64(code), 10)
		if len(ext) > 0 {
			out = append(out, `,"extFields":{`...)
			for i, e := range ext {
				if i > 0 {
					out = append(out, ',')
				}
				out = append(out, '"')
				out = append(out, e.k...)
				out = append(out, `":"`...)
				out = append(out, e.v...)
				out = append(out, '"')
			}
			out = append(out, '}')
		}
		out = append(out, `,"flag":`...)
		out = strconv.AppendInt(out, int64(flag), 10)
		out = append(out, `,"language":"JAVA","opaque":`...)
		out = strconv.AppendInt(out, int64(opaque), 10)
		if remark != "" {
			out = append(out, `,"remark":`...)
			out = strconv.AppendQuoteToASCII(out, remark)
		}
		out = append(out, `,"serializeTypeCurrentRPC":"JSON","version":`...)
		out = strconv.AppendInt(out, brokerVersion, 10)
		out = append(out, '}')
	}
	out = append(out, body...)
	return closeFrame(out, start, len(body))
}

func appendBinaryField(out []byte, k, v string) []byte {
	out = binary.BigEndian.AppendUint16(out, uint16(len(k)))
	out = append(out, k...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(v)))
	return append(out, v...)
}

// closeFrame writes both lengths of the frame that began at start.
func closeFrame(out []byte, start, body int) []byte {
	total := len(out) - start - 4
	codec := out[start+4]
	binary.BigEndian.PutUint32(out[start:], uint32(total))
	binary.BigEndian.PutUint32(out[start+4:], uint32(total-4-body))
	out[start+4] = codec
	return out
}

const hexDigits = "0123456789ABCDEF"

func appendHex64(out []byte, v uint64) []byte {
	var h [16]byte
	for i := 15; i >= 0; i-- {
		h[i] = hexDigits[v&15]
		v >>= 4
	}
	return append(out, h[:]...)
}

func appendBinaryInt(out []byte, v int64) []byte {
	mark := len(out)
	out = append(out, 0, 0, 0, 0)
	out = strconv.AppendInt(out, v, 10)
	binary.BigEndian.PutUint32(out[mark:], uint32(len(out)-mark-4))
	return out
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
