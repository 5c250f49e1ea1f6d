package main

import (
	"encoding/binary"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

type options struct {
	listen    string
	stats     string
	advertise string
	name      string
	cluster   string
	queues    int
	readBuf   int
	maxFrame  int
	serve     int
	serveBody int
	available int64
	rate      int64
}

type topic struct {
	messages atomic.Int64
	next     []atomic.Int64 // next offset of each queue
}

type server struct {
	opt   options
	start time.Time

	mu      sync.RWMutex
	topics  map[string]*topic
	offsets map[string]int64 // group@topic@queue
	groups  map[string]map[string]*conn
	conns   map[*conn]struct{}
	errors  map[string]int64

	connections atomic.Int64
	requests    atomic.Int64
	sends       atomic.Int64
	oneWay      atomic.Int64
	batches     atomic.Int64
	messages    atomic.Int64
	withID      atomic.Int64
	bodyBytes   atomic.Int64
	bytesIn     atomic.Int64
	bytesOut    atomic.Int64
	reads       atomic.Int64
	jsonHeaders atomic.Int64
	binHeaders  atomic.Int64
	pulls       atomic.Int64
	served      atomic.Int64
	heartbeats  atomic.Int64
}

func (s *server) fault(kind string) {
	s.mu.Lock()
	s.errors[kind]++
	s.mu.Unlock()
}

func (s *server) topic(name []byte) *topic {
	s.mu.RLock()
	t := s.topics[string(name)]
	s.mu.RUnlock()
	if t != nil {
		return t
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t = s.topics[string(name)]; t == nil {
		t = &topic{next: make([]atomic.Int64, s.opt.queues)}
		s.topics[string(name)] = t
	}
	return t
}

func (s *server) listen(addr string) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				log.Fatal(err)
			}
			go s.accept(nc)
		}
	}()
}

func (s *server) accept(nc net.Conn) {
	local := nc.LocalAddr().(*net.TCPAddr)
	c := &conn{srv: s, net: nc, addr: s.opt.advertise}
	if c.addr == "" {
		c.addr = local.String()
	}
	ip := local.IP.To4()
	if ip == nil {
		ip = net.IPv4(127, 0, 0, 1).To4()
	}
	c.host = string(appendHex64(nil, uint64(binary.BigEndian.Uint32(ip))<<32|uint64(local.Port)))
	if tc, ok := nc.(*net.TCPConn); ok {
		_ = tc.SetNoDelay(true)
	}
	c.physical = uint64(s.connections.Add(1)) << 40 // message ids differ between connections
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	c.serve()
	_ = nc.Close()
	s.leave(c, "")
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}
