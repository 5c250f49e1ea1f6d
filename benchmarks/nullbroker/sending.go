package main

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

func (c *conn) send(r *request) {
	n, withID := 1, 0
	if r.seen&requiredSend != requiredSend {
		c.refuse(r, respInvalidParameter, "send_fields")
		return
	}
	if r.queueID < 0 || r.queueID >= c.srv.opt.queues {
		c.refuse(r, respSystemError, "send_queue")
		return
	}
	if r.batch {
		var ok bool
		if n, withID, ok = batchCount(r.body); !ok {
			c.refuse(r, respMessageIllegal, "batch_body")
			return
		}
		c.batches++
	} else if r.code == codeSendBatchMessage {
		c.refuse(r, respMessageIllegal, "batch_flag")
		return
	} else if hasClientID(r.properties) {
		withID = 1
	}
	if c.topic == nil || !bytes.Equal(r.topic, c.topicName) {
		c.topicName = append(c.topicName[:0], r.topic...)
		c.topic = c.srv.topic(r.topic)
	}
	c.sends++
	c.messages += int64(n)
	c.withID += int64(withID)
	c.bodyBytes += int64(len(r.body))
	c.topic.messages.Add(int64(n))
	offset := c.topic.next[r.queueID].Add(int64(n)) - int64(n)
	if r.oneWay() {
		return
	}
	c.out = appendSendOK(c.out, r, c.host, c.physical, n, offset)
	c.physical += uint64(len(r.body)) + uint64(n)*storedOverhead
}

// batchCount walks the records of a batch body:
// total(4) magic(4) crc(4) flag(4) bodyLen(4) body propsLen(2) props.
// It returns the number of records and how many of them carry a client id.
func batchCount(b []byte) (n, withID int, ok bool) {
	for len(b) > 0 {
		if len(b) < 22 {
			return n, withID, false
		}
		total := int(binary.BigEndian.Uint32(b))
		body := int(binary.BigEndian.Uint32(b[16:]))
		if total < 22 || total > len(b) || body > total-22 {
			return n, withID, false
		}
		props := int(binary.BigEndian.Uint16(b[20+body:]))
		if total != 22+body+props {
			return n, withID, false
		}
		if hasClientID(b[22+body : total]) {
			withID++
		}
		n++
		b = b[total:]
	}
	return n, withID, n > 0
}

var uniqKey = []byte("UNIQ_KEY")

func hasClientID(props []byte) bool { return bytes.Contains(props, uniqKey) }

// storedOverhead is what a stored message adds to its body, about.
const storedOverhead = 91

// appendIDs adds n message ids joined by commas: a broker answers a batch with
// one id for each of its messages.
func appendIDs(out []byte, host string, physical uint64, n int) []byte {
	for i := 0; ; physical += storedOverhead {
		out = append(out, host...)
		out = appendHex64(out, physical)
		if i++; i == n {
			return out
		}
		out = append(out, ',')
	}
}

// appendSendOK adds the answer to an accepted send of n messages. It is the hot
// path, so it is spelled out instead of going through appendFrame. The fields
// are those a 5.x broker sends.
func appendSendOK(out []byte, r *request, host string, physical uint64, n int, queueOffset int64) []byte {
	start := len(out)
	out = append(out, 0, 0, 0, 0, r.codec, 0, 0, 0)
	if r.codec == codecRocketMQ {
		out = append(out, 0, respSuccess, langJava, brokerVersion>>8, brokerVersion&255)
		out = binary.BigEndian.AppendUint32(out, uint32(r.opaque))
		out = append(out, 0, 0, 0, 1, 0, 0, 0, 0)
		mark := len(out)
		out = append(out, 0, 0, 0, 0)
		out = append(out, "\x00\x05msgId"...)
		out = binary.BigEndian.AppendUint32(out, uint32(33*n-1))
		out = appendIDs(out, host, physical, n)
		out = append(out, "\x00\x07queueId"...)
		out = appendBinaryInt(out, int64(r.queueID))
		out = append(out, "\x00\x0bqueueOffset"...)
		out = appendBinaryInt(out, queueOffset)
		out = append(out, "\x00\x0aMSG_REGION\x00\x00\x00\x0dDefaultRegion\x00\x08TRACE_ON\x00\x00\x00\x04true"...)
		binary.BigEndian.PutUint32(out[mark:], uint32(len(out)-mark-4))
	} else {
		out = append(out, `{"code":0,"extFields":{"queueId":"`...)
		out = strconv.AppendInt(out, int64(r.queueID), 10)
		out = append(out, `","TRACE_ON":"true","MSG_REGION":"DefaultRegion","msgId":"`...)
		out = appendIDs(out, host, physical, n)
		out = append(out, `","queueOffset":"`...)
		out = strconv.AppendInt(out, queueOffset, 10)
		out = append(out, `"},"flag":1,"language":"JAVA","opaque":`...)
		out = strconv.AppendInt(out, int64(r.opaque), 10)
		out = append(out, `,"serializeTypeCurrentRPC":"JSON","version":477}`...)
	}
	return closeFrame(out, start, 0)
}
