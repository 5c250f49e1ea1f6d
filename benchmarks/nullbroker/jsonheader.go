package main

import (
	"encoding/binary"
	"math/bits"
)

// parseJSON scans the header once without building a tree. It accepts any key
// order and white space; it keeps string escapes as they are, which is enough
// because no field it interprets needs them.
func (r *request) parseJSON(h []byte) error {
	s := scanner{b: h}
	have := 0
	for more := s.open('{', '}'); more; more = s.next('}') {
		k := s.key()
		switch string(k) {
		case "code":
			have |= 1
			r.code = int(s.integer())
		case "opaque":
			have |= 2
			r.opaque = int32(s.integer())
		case "flag":
			r.flag = int(s.integer())
		case "extFields":
			if s.peek() != '{' {
				s.skip()
				continue
			}
			for more := s.open('{', '}'); more; more = s.next('}') {
				k := s.key()
				c, start := s.peek(), s.i
				if c == '"' {
					r.field(k, s.str())
				} else if s.skip(); !s.bad {
					r.field(k, s.b[start:s.i])
				}
			}
		default:
			s.skip()
		}
	}
	if s.bad || have != 3 || s.peek() != 0 {
		return errBadJSON
	}
	return nil
}

// scanner walks JSON text. After a fault bad is set and every step is a no-op
// that ends the loop it is in.
type scanner struct {
	b   []byte
	i   int
	bad bool
}

// peek passes over white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		if c := s.b[s.i]; c > ' ' {
			return c
		}
		s.i++
	}
	return 0
}

// open enters an object or array and reports whether it has an entry.
func (s *scanner) open(first, last byte) bool {
	if s.peek() != first {
		s.bad = true
		return false
	}
	s.i++
	if s.peek() == last {
		s.i++
		return false
	}
	return true
}

// next passes the comma before the next entry; at the end it leaves.
func (s *scanner) next(last byte) bool {
	c := s.peek()
	s.i++
	if c == ',' && !s.bad {
		return true
	}
	s.bad = s.bad || c != last
	return false
}

func (s *scanner) key() []byte {
	k := s.str()
	if s.peek() != ':' {
		s.bad = true
		return nil
	}
	s.i++
	return k
}

// str returns a string's raw text. It looks at eight bytes at a time for a
// quote or a backslash.
func (s *scanner) str() []byte {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	if s.peek() != '"' {
		s.bad = true
		return nil
	}
	b, start := s.b, s.i+1
	i := start
	for i < len(b) {
		if i+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[i:])
			q, e := x^(ones*'"'), x^(ones*'\\')
			m := ((q - ones) &^ q & tops) | ((e - ones) &^ e & tops)
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
		}
		switch b[i] {
		case '"':
			s.i = i + 1
			return b[start:i]
		case '\\':
			i += 2
		default:
			i++
		}
	}
	s.bad = true
	return nil
}

func (s *scanner) integer() int64 {
	c, start := s.peek(), s.i
	if s.bare(); c != '-' && (c < '0' || c > '9') {
		s.bad = true
	}
	return atoi(s.b[start:s.i])
}

// bare passes over a number, true, false or null.
func (s *scanner) bare() {
	start := s.i
	for s.i < len(s.b) {
		if c := s.b[s.i]; c == ',' || c == '}' || c == ']' || c <= ' ' {
			break
		}
		s.i++
	}
	if s.i == start {
		s.bad = true
	}
}

// skip passes over one value of any kind.
func (s *scanner) skip() {
	switch s.peek() {
	case '"':
		s.str()
	case '{':
		for more := s.open('{', '}'); more; more = s.next('}') {
			s.key()
			s.skip()
		}
	case '[':
		for more := s.open('[', ']'); more; more = s.next(']') {
			s.skip()
		}
	default:
		s.bare()
	}
}

func atoi(b []byte) int64 {
	var n int64
	neg := false
	for i, c := range b {
		if i == 0 && c == '-' {
			neg = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int64(c-'0')
	}
	if neg {
		return -n
	}
	return n
}
