package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// conn is one client connection. The counters are those of the current read;
// they are added to the server's once per read.
type conn struct {
	srv  *server
	net  net.Conn
	addr string // what the route says
	host string // address part of message ids

	wmu sync.Mutex
	out []byte
	req request

	topicName []byte
	topic     *topic

	requests, sends, oneWay, batches, messages, withID, bodyBytes int64
	json, binary                                                  int64
	physical                                                      uint64
	due                                                           time.Time // for -rate: when what was read is paid for
}

func (c *conn) write(b []byte) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	n, err := c.net.Write(b)
	c.srv.bytesOut.Add(int64(n))
	return err
}

func (c *conn) flushCounters(read int) {
	s := c.srv
	s.reads.Add(1)
	s.bytesIn.Add(int64(read))
	s.requests.Add(c.requests)
	s.sends.Add(c.sends)
	s.messages.Add(c.messages)
	s.withID.Add(c.withID)
	s.bodyBytes.Add(c.bodyBytes)
	s.jsonHeaders.Add(c.json)
	s.binHeaders.Add(c.binary)
	if c.oneWay > 0 {
		s.oneWay.Add(c.oneWay)
	}
	if c.batches > 0 {
		s.batches.Add(c.batches)
	}
	c.requests, c.sends, c.oneWay, c.batches, c.messages, c.withID, c.bodyBytes = 0, 0, 0, 0, 0, 0, 0
	c.json, c.binary = 0, 0
}

// serve reads until the peer leaves. Every whole frame of one read is handled
// before the answers go out in one write.
func (c *conn) serve() {
	buf := make([]byte, c.srv.opt.readBuf)
	have := 0
	for {
		n, err := c.net.Read(buf[have:])
		if n > 0 {
			have += n
			used, ferr := c.frames(buf[:have])
			if c.srv.opt.rate > 0 {
				now := time.Now()
				c.due = paid(c.due, now, c.messages, c.srv.opt.rate)
				time.Sleep(c.due.Sub(now))
			}
			c.flushCounters(n)
			if len(c.out) > 0 {
				if c.write(c.out) != nil {
					return
				}
				if c.out = c.out[:0]; cap(c.out) > 8<<20 {
					c.out = nil
				}
			}
			if ferr != nil {
				c.srv.fault(ferr.Error())
				return
			}
			have = copy(buf, buf[used:have])
			if have >= 4 {
				if need := 4 + int(binary.BigEndian.Uint32(buf)); need > len(buf) {
					buf = append(make([]byte, 0, need+c.srv.opt.readBuf), buf[:have]...)
					buf = buf[:cap(buf)]
				}
			}
		}
		if err != nil {
			if have > 0 && err == io.EOF {
				c.srv.fault("frame_truncated")
			}
			return
		}
	}
}

// paid is when so many messages, begun now or when the ones before are paid for, have taken their share of seconds.
func paid(due, now time.Time, messages, rate int64) time.Time {
	if due.Before(now) {
		due = now
	}
	return due.Add(time.Duration(messages * int64(time.Second) / rate))
}

// frames handles the whole frames at the front of b and returns their length.
func (c *conn) frames(b []byte) (used int, err error) {
	for len(b)-used >= 4 {
		total := int(binary.BigEndian.Uint32(b[used:]))
		if total < 4 || total > c.srv.opt.maxFrame {
			return used, fmt.Errorf("frame_length")
		}
		if len(b)-used < 4+total {
			break
		}
		f := b[used+4 : used+4+total]
		used += 4 + total
		mark := binary.BigEndian.Uint32(f)
		codec, hl := byte(mark>>24), int(mark&0xFFFFFF)
		if hl > total-4 {
			return used, fmt.Errorf("header_length")
		}
		switch codec {
		case codecJSON:
			c.json++
		case codecRocketMQ:
			c.binary++
		default:
			return used, fmt.Errorf("header_codec")
		}
		r := &c.req
		if err := r.parseHeader(codec, f[4:4+hl]); err != nil {
			return used, err
		}
		r.body = f[4+hl:]
		if r.flag&1 != 0 { // an answer to something this program asked
			continue
		}
		c.requests++
		if r.oneWay() {
			c.oneWay++
		}
		switch r.code {
		case codeSendMessageV2, codeSendBatchMessage, codeSendMessage:
			c.send(r)
		default:
			c.other(r)
		}
	}
	return used, nil
}

func (c *conn) refuse(r *request, code int, kind string) {
	c.srv.fault(kind)
	if !r.oneWay() {
		c.out = appendReply(c.out, r, code, kind, nil, nil)
	}
}

func (c *conn) reply(r *request, code int, remark string, ext []kv, body []byte) {
	if !r.oneWay() {
		c.out = appendReply(c.out, r, code, remark, ext, body)
	}
}

func (c *conn) ok(r *request, ext ...kv) { c.reply(r, respSuccess, "", ext, nil) }
