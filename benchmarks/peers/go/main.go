// Sends with the released Go client what it is told on its standard input, and tells in one JSON line how long it took.
//
// A line of input is "work name=value name=value". Every message is a new object and gets a unique id: from the
// client when it is sent alone, from this program when it is sent in a batch, for which the client makes none.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

type peer struct {
	producer rocketmq.Producer
	topic    string
	count    int
	body     []byte
	batch    int
	inFlight int
	threads  int
	times    []time.Duration
	failed   atomic.Int64
}

func main() {
	rlog.SetLogLevel("error")
	servers := primitive.NewPassthroughResolver([]string{os.Args[1]})
	p, err := rocketmq.NewProducer(producer.WithGroupName("bench-group"), producer.WithNsResolver(servers))
	if err != nil {
		panic(err)
	}
	if err := p.Start(); err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Split(lines.Text(), " ")
		options := map[string]string{}
		for _, word := range words[1:] {
			name, value, _ := strings.Cut(word, "=")
			options[name] = value
		}
		number := func(name string) int {
			if found, err := strconv.Atoi(options[name]); err == nil {
				return found
			}
			return 1
		}
		run := &peer{
			producer: p, topic: options["topic"], count: number("count"), body: make([]byte, number("size")),
			batch: number("batch"), inFlight: number("inflight"), threads: number("threads"),
		}
		text, err := json.Marshal(run.measured(words[0]))
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
}

func (p *peer) measured(work string) map[string]any {
	works := map[string]func(){
		"awaited": p.awaited, "batch": p.batches, "oneway": p.oneWay, "sync": p.sync, "one": p.sync,
		"threads": p.goroutines,
	}
	used, begun := cpu(), time.Now()
	works[work]()
	seconds := time.Since(begun).Seconds()
	used = cpu() - used
	found := map[string]any{
		"count": p.count, "rate": float64(p.count) / seconds, "cpu_us": used / float64(p.count) * 1e6,
		"failed": p.failed.Load(),
	}
	if len(p.times) > 0 {
		slices.Sort(p.times)
		found["p50_us"] = float64(p.times[len(p.times)/2].Nanoseconds()) / 1e3
		found["p99_us"] = float64(p.times[len(p.times)*99/100].Nanoseconds()) / 1e3
	}
	return found
}

func cpu() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func (p *peer) message() *primitive.Message {
	return primitive.NewMessage(p.topic, p.body)
}

func (p *peer) messages() []*primitive.Message {
	found := make([]*primitive.Message, p.batch)
	for i := range found {
		found[i] = p.message()
		found[i].WithProperty(primitive.PropertyUniqueClientMessageIdKeyIndex, primitive.CreateUniqID())
	}
	return found
}

func (p *peer) check(result *primitive.SendResult, err error) {
	if err == nil && result.Status != primitive.SendOK {
		err = fmt.Errorf("status %d", result.Status)
	}
	if err != nil && p.failed.Add(1) == 1 {
		fmt.Fprintln(os.Stderr, err)
	}
}

func (p *peer) awaited() {
	p.flying(p.count, func() []*primitive.Message { return []*primitive.Message{p.message()} })
}

func (p *peer) batches() {
	calls := p.count / p.batch
	if p.inFlight > 1 {
		p.flying(calls, p.messages)
		return
	}
	for range calls {
		p.check(p.producer.SendSync(context.Background(), p.messages()...))
	}
}

func (p *peer) flying(calls int, made func() []*primitive.Message) {
	free := make(chan struct{}, p.inFlight)
	for range calls {
		free <- struct{}{}
		err := p.producer.SendAsync(context.Background(), func(_ context.Context, result *primitive.SendResult, err error) {
			p.check(result, err)
			<-free
		}, made()...)
		if err != nil {
			panic(err)
		}
	}
	for range p.inFlight {
		free <- struct{}{}
	}
}

// oneWay has an answer for the last one, so that the time ends when all have been taken.
func (p *peer) oneWay() {
	for i := 1; i < p.count; i++ {
		if err := p.producer.SendOneWay(context.Background(), p.message()); err != nil {
			panic(err)
		}
	}
	p.check(p.producer.SendSync(context.Background(), p.message()))
}

func (p *peer) sync() {
	p.times = make([]time.Duration, p.count)
	for i := range p.times {
		begun := time.Now()
		result, err := p.producer.SendSync(context.Background(), p.message())
		p.times[i] = time.Since(begun)
		p.check(result, err)
	}
}

func (p *peer) goroutines() {
	var left atomic.Int64
	left.Store(int64(p.count))
	var all sync.WaitGroup
	for range p.threads {
		all.Add(1)
		go func() {
			defer all.Done()
			for left.Add(-1) >= 0 {
				p.check(p.producer.SendSync(context.Background(), p.message()))
			}
		}()
	}
	all.Wait()
}
