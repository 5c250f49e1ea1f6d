package main

import (
	"bytes"
	"encoding/binary"
	"time"
)

// pull answers with up to serve messages, or, when there is nothing to serve,
// with PULL_NOT_FOUND after the time the client is willing to wait.
func (c *conn) pull(r *request) {
	s := c.srv
	s.pulls.Add(1)
	n := int64(s.opt.serve)
	if isRetry(r.topic) { // nothing is ever retried
		n = 0
	}
	if int64(r.maxMsgNums) < n {
		n = int64(r.maxMsgNums)
	}
	if left := s.opt.available - r.offset; left < n {
		n = left
	}
	if n <= 0 || r.offset < 0 {
		ext := pullFields(r.offset, s.maxOffset(r))
		if r.sysFlag&2 == 0 || r.suspendMillis <= 0 { // the client does not want to wait
			c.reply(r, respPullNotFound, "no message", ext, nil)
			return
		}
		held := *r
		time.AfterFunc(time.Duration(r.suspendMillis)*time.Millisecond, func() {
			_ = c.write(appendReply(nil, &held, respPullNotFound, "no message", ext, nil))
		})
		return
	}
	one := s.stored(r)
	body := make([]byte, 0, int(n)*len(one))
	for i := int64(0); i < n; i++ {
		at := len(body)
		body = append(body, one...)
		binary.BigEndian.PutUint64(body[at+20:], uint64(r.offset+i))
		binary.BigEndian.PutUint64(body[at+28:], uint64((r.offset+i)*int64(s.opt.queues)+int64(r.queueID))*uint64(len(one)))
		appendHex64(body[:len(body)-16], uint64(r.offset+i)<<8|uint64(r.queueID))
	}
	s.served.Add(n)
	c.reply(r, respSuccess, "FOUND", pullFields(r.offset+n, s.opt.available), body)
}

func pullFields(next, max int64) []kv {
	return []kv{{"suggestWhichBrokerId", "0"}, {"nextBeginOffset", itoa(next)}, {"minOffset", "0"}, {"maxOffset", itoa(max)}}
}

// stored encodes one message as a broker stores it, queue offset and position
// left for pull to fill. The last 16 bytes are the tail of its client id.
func (s *server) stored(r *request) []byte {
	now := uint64(time.Now().UnixMilli())
	props := "WAIT\x01true\x02TAGS\x01bench\x02UNIQ_KEY\x017F00000100010000" + "0000000000000000"
	b := make([]byte, 0, 256+s.opt.serveBody)
	u32 := func(v uint32) { b = binary.BigEndian.AppendUint32(b, v) }
	u64 := func(v uint64) { b = binary.BigEndian.AppendUint64(b, v) }
	u32(0)
	u32(0xDAA320A7) // magic of the version with a one-byte topic length
	u32(0)          // body CRC, which clients do not check by default
	u32(uint32(r.queueID))
	u32(0) // flag
	u64(0) // queue offset
	u64(0) // physical offset
	u32(0) // sysFlag
	u64(now)
	u32(0x7F000001)
	u32(10000)
	u64(now)
	u32(0x7F000001)
	u32(10911)
	u32(0) // reconsume times
	u64(0) // prepared transaction offset
	u32(uint32(s.opt.serveBody))
	b = append(b, bytes.Repeat([]byte{'x'}, s.opt.serveBody)...)
	b = append(b, byte(len(r.topic)))
	b = append(b, r.topic...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(props)))
	b = append(b, props...)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}
