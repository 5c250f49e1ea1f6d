package main

import (
	"encoding/json"
	"io"
	"sync/atomic"
	"syscall"
	"time"
)

func (s *server) snapshot() map[string]any {
	var ru syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
	s.mu.RLock()
	errs := map[string]int64{}
	var total int64
	for k, v := range s.errors {
		errs[k] = v
		total += v
	}
	topics := map[string]int64{}
	for k, t := range s.topics {
		topics[k] = t.messages.Load()
	}
	open := len(s.conns)
	s.mu.RUnlock()
	return map[string]any{
		"uptime_s":            time.Since(s.start).Seconds(),
		"cpu_s":               float64(ru.Utime.Sec+ru.Stime.Sec) + float64(ru.Utime.Usec+ru.Stime.Usec)/1e6,
		"connections":         s.connections.Load(),
		"connections_open":    open,
		"requests":            s.requests.Load(),
		"send_requests":       s.sends.Load(),
		"one_way":             s.oneWay.Load(),
		"batches":             s.batches.Load(),
		"messages":            s.messages.Load(),
		"messages_with_id":    s.withID.Load(),
		"send_body_bytes":     s.bodyBytes.Load(),
		"bytes_in":            s.bytesIn.Load(),
		"bytes_out":           s.bytesOut.Load(),
		"reads":               s.reads.Load(),
		"headers_json":        s.jsonHeaders.Load(),
		"headers_binary":      s.binHeaders.Load(),
		"pulls":               s.pulls.Load(),
		"messages_served":     s.served.Load(),
		"heartbeats":          s.heartbeats.Load(),
		"errors":              total,
		"errors_by_kind":      errs,
		"messages_by_topic":   topics,
		"consumer_group_size": s.groupSizes(),
	}
}

func (s *server) groupSizes() map[string]int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[string]int{}
	for g, m := range s.groups {
		if len(m) > 0 {
			out[g] = len(m)
		}
	}
	return out
}

func (s *server) reset() {
	for _, c := range []*atomic.Int64{&s.connections, &s.requests, &s.sends, &s.oneWay, &s.batches, &s.messages,
		&s.withID, &s.bodyBytes, &s.bytesIn, &s.bytesOut, &s.reads, &s.jsonHeaders, &s.binHeaders, &s.pulls,
		&s.served, &s.heartbeats} {
		c.Store(0)
	}
	s.mu.Lock()
	s.errors = map[string]int64{}
	for _, t := range s.topics {
		t.messages.Store(0)
	}
	s.mu.Unlock()
}

func writeJSON(w io.Writer, v any) {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v)
}
