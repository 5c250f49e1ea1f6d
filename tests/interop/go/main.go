// Does with the released Go client what it is told on its standard input, and tells in JSON lines what happened.
//
// A line of input is "id verb name=value&name=value", with values as in a URL. Each runs in a goroutine of its own;
// its events carry its id, and the last of them is "end". The verbs are those of the Java program beside it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

const replyTries = 20

type fields map[string]any

type client struct {
	id      string
	options url.Values
	servers primitive.NsResolver
}

var (
	output    sync.Mutex
	stops     sync.Map
	instances atomic.Int64
)

func main() {
	rlog.SetLogLevel("error")
	servers := primitive.NewPassthroughResolver([]string{os.Args[1]})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), " ", 3)
		options, err := url.ParseQuery(parts[2])
		if err != nil {
			panic(err)
		}
		c := &client{parts[0], options, servers}
		stops.Store(parts[0], make(chan struct{}))
		go c.run(parts[1])
	}
}

func (c *client) run(verb string) {
	verbs := map[string]func() error{
		"produce": c.produce, "transact": c.transact, "consume": c.consume,
		"request": c.request, "reply": c.reply, "stop": c.stop,
	}
	todo, known := verbs[verb]
	err := errors.New("unknown verb " + verb)
	if known {
		err = todo()
	}
	if err != nil {
		c.event("end", fields{"error": err.Error()})
		return
	}
	c.event("end", nil)
}

func (c *client) produce() error {
	selector := producer.NewRoundRobinQueueSelector()
	if c.options.Get("mode") == "ordered" {
		selector = producer.NewHashQueueSelector()
	}
	p, err := c.producer(c.options.Get("group"), producer.WithQueueSelector(selector))
	if err != nil {
		return err
	}
	defer p.Shutdown()
	messages := []*primitive.Message{}
	for i := range c.number("count", 1) {
		messages = append(messages, c.message(i))
	}
	switch c.options.Get("mode") {
	case "batch":
		return c.sent(p.SendSync(context.Background(), messages...))
	case "async":
		return c.sendAsync(p, messages)
	case "oneway":
		for _, message := range messages {
			if err := p.SendOneWay(context.Background(), message); err != nil {
				return err
			}
		}
		// The connection is closed with the producer, and nothing tells when the last frame has left.
		time.Sleep(200 * time.Millisecond)
		return nil
	}
	for i, message := range messages {
		if c.options.Get("mode") == "ordered" {
			message.WithShardingKey(c.options.Get("key") + strconv.Itoa(i%3))
		}
		if err := c.sent(p.SendSync(context.Background(), message)); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) sendAsync(p rocketmq.Producer, messages []*primitive.Message) error {
	var left sync.WaitGroup
	for _, message := range messages {
		left.Add(1)
		err := p.SendAsync(context.Background(), func(_ context.Context, result *primitive.SendResult, err error) {
			defer left.Done()
			if err := c.sent(result, err); err != nil {
				c.event("failed", fields{"error": err.Error()})
			}
		}, message)
		if err != nil {
			return err
		}
	}
	left.Wait()
	return nil
}

func (c *client) message(number int) *primitive.Message {
	body := []byte(c.options.Get("body") + strconv.Itoa(number))
	if size := c.number("size", 0); size > len(body) {
		body = append(body, make([]byte, size-len(body))...)
	}
	message := primitive.NewMessage(c.options.Get("topic"), body)
	if tags := c.options.Get("tags"); tags != "" {
		message.WithTag(tags)
	}
	if keys := c.options.Get("keys"); keys != "" {
		message.WithKeys(strings.Split(keys, " "))
	}
	for name := range c.options {
		if own, found := strings.CutPrefix(name, "p."); found {
			message.WithProperty(own, c.options.Get(name))
		}
	}
	if level := c.number("level", 0); level > 0 {
		message.WithDelayTimeLevel(level)
	}
	if seconds := c.options.Get("delaySeconds"); seconds != "" {
		message.WithProperty("TIMER_DELAY_SEC", seconds)
	}
	return message
}

type listener struct {
	client  *client
	checked chan struct{}
}

var states = map[string]primitive.LocalTransactionState{
	"COMMIT_MESSAGE":   primitive.CommitMessageState,
	"ROLLBACK_MESSAGE": primitive.RollbackMessageState,
	"UNKNOW":           primitive.UnknowState,
}

func (l *listener) ExecuteLocalTransaction(message *primitive.Message) primitive.LocalTransactionState {
	l.client.event("executed", fields{"transactionId": message.TransactionId})
	return states[l.client.options.Get("decision")]
}

func (l *listener) CheckLocalTransaction(message *primitive.MessageExt) primitive.LocalTransactionState {
	l.client.event("checked", fields{"message": shown(message)})
	defer close(l.checked)
	return states[l.client.options.Get("answer")]
}

func (c *client) transact() error {
	heard := &listener{c, make(chan struct{})}
	p, err := rocketmq.NewTransactionProducer(heard, c.producerOptions(c.options.Get("group"))...)
	if err != nil {
		return err
	}
	if err := p.Start(); err != nil {
		return err
	}
	defer p.Shutdown()
	result, err := p.SendMessageInTransaction(context.Background(), c.message(0))
	if err != nil {
		return err
	}
	if err := c.sent(result.SendResult, nil); err != nil {
		return err
	}
	if c.options.Get("answer") != "" {
		select {
		case <-heard.checked:
		case <-time.After(90 * time.Second):
			return errors.New("no check-back came")
		}
	}
	time.Sleep(300 * time.Millisecond) // the last decision leaves in a goroutine of the client
	return nil
}

func (c *client) consume() error {
	var tries sync.Map
	failures := int64(c.number("failures", 0))
	done, again := consumer.ConsumeSuccess, consumer.ConsumeRetryLater
	if c.options.Get("orderly") != "" {
		again = consumer.SuspendCurrentQueueAMoment
	}
	return c.push(func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		result := done
		for _, message := range messages {
			c.event("message", fields{"message": shown(message)})
			seen, _ := tries.LoadOrStore(message.MsgId, new(atomic.Int64))
			if seen.(*atomic.Int64).Add(1) <= failures {
				result = again
			}
		}
		if inner, found := primitive.GetConcurrentlyCtx(ctx); found && c.options.Get("level") != "" {
			inner.DelayLevelWhenNextConsume = c.number("level", 0)
		}
		return result, nil
	})
}

func (c *client) push(handle func(context.Context, ...*primitive.MessageExt) (consumer.ConsumeResult, error)) error {
	options := []consumer.Option{
		consumer.WithCredentials(c.credentials()),
		consumer.WithGroupName(c.options.Get("group")),
		consumer.WithInstance(instance("consumer")),
		consumer.WithNsResolver(c.servers),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithMaxReconsumeTimes(int32(c.number("maxTries", -1))),
		consumer.WithConsumerOrder(c.options.Get("orderly") != ""),
	}
	if c.options.Get("model") == "BROADCASTING" {
		options = append(options, consumer.WithConsumerModel(consumer.BroadCasting))
	}
	pushed, err := rocketmq.NewPushConsumer(options...)
	if err != nil {
		return err
	}
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}
	if tags := c.options.Get("tags"); tags != "" {
		selector.Expression = tags
	}
	if sql := c.options.Get("sql"); sql != "" {
		selector = consumer.MessageSelector{Type: consumer.SQL92, Expression: sql}
	}
	if err := pushed.Subscribe(c.options.Get("topic"), selector, handle); err != nil {
		return err
	}
	if err := pushed.Start(); err != nil {
		return err
	}
	c.event("ready", nil)
	stop, _ := stops.Load(c.id)
	<-stop.(chan struct{})
	return pushed.Shutdown()
}

func (c *client) request() error {
	p, err := c.producer(c.options.Get("group"))
	if err != nil {
		return err
	}
	defer p.Shutdown()
	timeout := time.Duration(c.number("timeout", 15000)) * time.Millisecond
	reply, err := p.Request(context.Background(), timeout, c.message(0))
	if err != nil {
		return err
	}
	c.event("replied", fields{"body": string(reply.Body)})
	return nil
}

func (c *client) reply() error {
	p, err := c.producer(c.options.Get("group") + "-replies")
	if err != nil {
		return err
	}
	defer p.Shutdown()
	return c.push(func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, message := range messages {
			c.event("message", fields{"message": shown(message)})
			c.answer(p, message)
		}
		return consumer.ConsumeSuccess, nil
	})
}

// answer tries several times: a Go client that asks makes itself known to the broker a moment after it has asked.
func (c *client) answer(p rocketmq.Producer, message *primitive.MessageExt) {
	for range replyTries {
		// Release 2.1.2 takes the body that it is given here for properties, so it is set afterwards.
		reply, err := consumer.CreateReplyMessage(message, nil)
		if err == nil {
			reply.Body = append([]byte("reply to "), message.Body...)
			err = c.sent(p.SendSync(context.Background(), reply))
		}
		if err == nil {
			return
		}
		c.event("failed", fields{"error": err.Error()})
		time.Sleep(500 * time.Millisecond)
	}
}

func (c *client) stop() error {
	stop, found := stops.Load(c.options.Get("target"))
	if !found {
		return errors.New("nothing to stop")
	}
	close(stop.(chan struct{}))
	return nil
}

// instance is a name that no other client on this machine has: replies find their client by it.
func instance(role string) string {
	return fmt.Sprintf("%s-%d-%d", role, os.Getpid(), instances.Add(1))
}

func (c *client) producerOptions(group string) []producer.Option {
	return []producer.Option{
		producer.WithCredentials(c.credentials()),
		producer.WithGroupName(group),
		producer.WithInstanceName(instance("producer")),
		producer.WithNsResolver(c.servers),
	}
}

func (c *client) producer(group string, more ...producer.Option) (rocketmq.Producer, error) {
	p, err := rocketmq.NewProducer(append(c.producerOptions(group), more...)...)
	if err != nil {
		return nil, err
	}
	return p, p.Start()
}

// credentials are empty when the options have no keys: nothing is signed then.
func (c *client) credentials() primitive.Credentials {
	return primitive.Credentials{
		AccessKey: c.options.Get("accessKey"), SecretKey: c.options.Get("secretKey"),
	}
}

func (c *client) number(name string, ifMissing int) int {
	if value, err := strconv.Atoi(c.options.Get(name)); err == nil {
		return value
	}
	return ifMissing
}

func (c *client) sent(result *primitive.SendResult, err error) error {
	if err != nil {
		return err
	}
	status := map[primitive.SendStatus]string{primitive.SendOK: "SEND_OK"}[result.Status]
	c.event("sent", fields{
		"status": status, "msgId": result.MsgID, "offsetMsgId": result.OffsetMsgID,
		"queueId": result.MessageQueue.QueueId, "queueOffset": result.QueueOffset,
	})
	return nil
}

func (c *client) event(name string, more fields) {
	line := fields{"id": c.id, "event": name}
	for key, value := range more {
		line[key] = value
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	fmt.Println(string(text))
}

func shown(message *primitive.MessageExt) fields {
	return fields{
		"topic": message.Topic, "body": string(message.Body), "tags": message.GetTags(),
		"keys": message.GetKeys(), "msgId": message.MsgId, "queueId": message.Queue.QueueId,
		"queueOffset": message.QueueOffset, "reconsumeTimes": message.ReconsumeTimes,
		"properties": message.GetProperties(),
	}
}
