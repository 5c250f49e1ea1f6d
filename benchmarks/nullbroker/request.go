package main

import "encoding/binary"

// request is one decoded command. Its byte slices point into the read buffer
// and are valid until the next read.
type request struct {
	codec  byte
	code   int
	flag   int
	opaque int32

	seen       uint32 // bit i set: required send field i was present
	topic      []byte
	group      []byte
	properties []byte
	queueID    int
	batch      bool

	offset        int64 // where to pull from
	commit        int64 // consumer progress
	maxMsgNums    int
	sysFlag       int
	suspendMillis int64

	body []byte
}

// The fields a broker insists on in a send request, as bits of request.seen:
// producerGroup, topic, defaultTopic, defaultTopicQueueNums, queueId, sysFlag,
// bornTimestamp, flag (a to h in the short form).
const requiredSend = 1<<8 - 1

// field takes one extFields entry.
func (r *request) field(k, v []byte) {
	if len(k) == 1 {
		c := k[0]
		if c >= 'a' && c <= 'h' {
			r.seen |= 1 << (c - 'a')
		}
		switch c {
		case 'a':
			r.group = v
		case 'b':
			r.topic = v
		case 'e':
			r.queueID = int(atoi(v))
		case 'f':
			r.sysFlag = int(atoi(v))
		case 'i':
			r.properties = v
		case 'm':
			r.batch = string(v) == "true"
		}
		return
	}
	switch string(k) {
	case "producerGroup":
		r.seen |= 1 << 0
		r.group = v
	case "consumerGroup":
		r.group = v
	case "topic":
		r.seen |= 1 << 1
		r.topic = v
	case "defaultTopic":
		r.seen |= 1 << 2
	case "defaultTopicQueueNums":
		r.seen |= 1 << 3
	case "queueId":
		r.seen |= 1 << 4
		r.queueID = int(atoi(v))
	case "sysFlag":
		r.seen |= 1 << 5
		r.sysFlag = int(atoi(v))
	case "bornTimestamp":
		r.seen |= 1 << 6
	case "flag":
		r.seen |= 1 << 7
	case "properties":
		r.properties = v
	case "batch":
		r.batch = string(v) == "true"
	case "queueOffset":
		r.offset = atoi(v)
	case "commitOffset":
		r.commit = atoi(v)
	case "maxMsgNums":
		r.maxMsgNums = int(atoi(v))
	case "suspendTimeoutMillis":
		r.suspendMillis = atoi(v)
	}
}

func (r *request) oneWay() bool { return r.flag&flagOneWay != 0 }

// parseHeader fills r from a header in either codec.
func (r *request) parseHeader(codec byte, h []byte) error {
	*r = request{codec: codec}
	if codec == codecRocketMQ {
		return r.parseBinary(h)
	}
	return r.parseJSON(h)
}

func (r *request) parseBinary(h []byte) error {
	if len(h) < 21 {
		return errShortHeader
	}
	r.code = int(int16(binary.BigEndian.Uint16(h)))
	if r.code < 0 { // codes above 32767 wrap in this codec
		r.code += 1 << 16
	}
	r.opaque = int32(binary.BigEndian.Uint32(h[5:]))
	r.flag = int(binary.BigEndian.Uint32(h[9:]))
	remark := int(binary.BigEndian.Uint32(h[13:]))
	h = h[17:]
	if remark < 0 || remark+4 > len(h) {
		return errBadBinary
	}
	h = h[remark:]
	ext := int(binary.BigEndian.Uint32(h))
	h = h[4:]
	if ext != len(h) {
		return errBadBinary
	}
	for len(h) > 0 {
		if len(h) < 2 {
			return errBadBinary
		}
		kl := int(binary.BigEndian.Uint16(h))
		if len(h) < 6+kl {
			return errBadBinary
		}
		k := h[2 : 2+kl]
		vl := int(binary.BigEndian.Uint32(h[2+kl:]))
		if vl < 0 || len(h) < 6+kl+vl {
			return errBadBinary
		}
		r.field(k, h[6+kl:6+kl+vl])
		h = h[6+kl+vl:]
	}
	return nil
}
