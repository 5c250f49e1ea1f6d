package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

func (c *conn) other(r *request) {
	s := c.srv
	switch r.code {
	case codeGetRouteInfo:
		c.reply(r, respSuccess, "", nil, s.route(c.addr))
	case codeGetClusterInfo:
		c.reply(r, respSuccess, "", nil, s.clusterInfo(c.addr))
	case codeHeartBeat:
		c.heartbeat(r)
	case codeUnregisterClient:
		s.leave(c, string(r.group))
		c.ok(r)
	case codePullMessage:
		c.pull(r)
	case codeConsumerList:
		c.reply(r, respSuccess, "", nil, s.consumerList(string(r.group)))
	case codeQueryConsumerOffset:
		s.mu.RLock()
		off, found := s.offsets[offsetKey(r)]
		s.mu.RUnlock()
		if !found {
			c.reply(r, respQueryNotFound, "no offset yet", nil, nil)
			return
		}
		c.ok(r, kv{"offset", itoa(off)})
	case codeUpdateConsumerOff:
		s.mu.Lock()
		s.offsets[offsetKey(r)] = r.commit
		s.mu.Unlock()
		c.ok(r)
	case codeGetMaxOffset:
		c.ok(r, kv{"offset", itoa(s.maxOffset(r))})
	case codeGetMinOffset, codeSearchOffset:
		c.ok(r, kv{"offset", "0"})
	case codeEarliestStoreTime:
		c.ok(r, kv{"timestamp", itoa(s.start.UnixMilli())})
	case codeLockBatchMQ:
		var in struct {
			Queues json.RawMessage `json:"mqSet"`
		}
		if json.Unmarshal(r.body, &in) != nil {
			c.refuse(r, respInvalidParameter, "lock_body")
			return
		}
		c.reply(r, respSuccess, "", nil, []byte(`{"lockOKMQSet":`+string(in.Queues)+`}`))
	case codeUnlockBatchMQ, codeCheckClientConfig, codeUpdateTopic, codeSendMsgBack, codeEndTransaction:
		c.ok(r)
	default:
		c.reply(r, respNotSupported, "request code "+strconv.Itoa(r.code)+" not supported", nil, nil)
	}
}

func isRetry(topic []byte) bool { return bytes.HasPrefix(topic, []byte("%RETRY%")) }

func offsetKey(r *request) string {
	return string(r.group) + "@" + string(r.topic) + "@" + strconv.Itoa(r.queueID)
}

func (s *server) maxOffset(r *request) int64 {
	if s.opt.serve > 0 && !isRetry(r.topic) {
		return s.opt.available
	}
	if t := s.topic(r.topic); r.queueID >= 0 && r.queueID < len(t.next) {
		return t.next[r.queueID].Load()
	}
	return 0
}

// route leaves out what only 5.x name servers add, so that every client reads it.
func (s *server) route(addr string) []byte {
	return []byte(fmt.Sprintf(`{"brokerDatas":[{"brokerAddrs":{"0":%q},"brokerName":%q,"cluster":%q}],`+
		`"filterServerTable":{},"queueDatas":[{"brokerName":%q,"perm":6,"readQueueNums":%d,"topicSynFlag":0,"topicSysFlag":0,"writeQueueNums":%d}]}`,
		addr, s.opt.name, s.opt.cluster, s.opt.name, s.opt.queues, s.opt.queues))
}

func (s *server) clusterInfo(addr string) []byte {
	return []byte(fmt.Sprintf(`{"brokerAddrTable":{%q:{"brokerAddrs":{"0":%q},"brokerName":%q,"cluster":%q}},"clusterAddrTable":{%q:[%q]}}`,
		s.opt.name, addr, s.opt.name, s.opt.cluster, s.opt.cluster, s.opt.name))
}
