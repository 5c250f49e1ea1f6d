package main

import "encoding/json"

// heartbeat notes which consumer groups the client belongs to and tells the
// other members of a group that changed.
func (c *conn) heartbeat(r *request) {
	s := c.srv
	s.heartbeats.Add(1)
	var in struct {
		ClientID  string `json:"clientID"`
		Consumers []struct {
			Group string `json:"groupName"`
		} `json:"consumerDataSet"`
	}
	if json.Unmarshal(r.body, &in) != nil || in.ClientID == "" {
		c.refuse(r, respInvalidParameter, "heartbeat_body")
		return
	}
	tell := map[*conn]string{}
	s.mu.Lock()
	for _, g := range in.Consumers {
		members := s.groups[g.Group]
		if members == nil {
			members = map[string]*conn{}
			s.groups[g.Group] = members
		}
		if members[in.ClientID] != c {
			members[in.ClientID] = c
			for _, m := range members {
				tell[m] = g.Group
			}
		}
	}
	s.mu.Unlock()
	for m, g := range tell {
		go m.groupChanged(r.codec, g)
	}
	c.ok(r)
}

func (c *conn) groupChanged(codec byte, group string) {
	_ = c.write(appendFrame(nil, codec, codeNotifyConsumerIDs, flagOneWay, -1, "", []kv{{"consumerGroup", group}}, nil))
}

// leave takes c out of one consumer group, or of all when group is empty.
func (s *server) leave(c *conn, group string) {
	s.mu.Lock()
	for g, members := range s.groups {
		if group != "" && g != group {
			continue
		}
		for id, m := range members {
			if m == c {
				delete(members, id)
			}
		}
	}
	s.mu.Unlock()
}

func (s *server) consumerList(group string) []byte {
	ids := []string{}
	s.mu.RLock()
	for id := range s.groups[group] {
		ids = append(ids, id)
	}
	s.mu.RUnlock()
	b, _ := json.Marshal(map[string][]string{"consumerIdList": ids})
	return b
}
