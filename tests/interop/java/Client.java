import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.RPCHook;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * Does with the released Java client what it is told on its standard input, and tells in JSON lines what happened.
 *
 * <p>A line of input is {@code id verb name=value&name=value}, with values as in a URL. Each runs in a thread of its
 * own; its events carry its id, and the last of them is {@code end}. The same source is compiled for 4.9 and 5.x, so
 * what only one of them has is called by reflection.
 */
public final class Client {
    private static final PrintStream OUT = System.out;
    private static final int REPLY_TRIES = 20;
    private static final int PATIENCE = 20000;
    private static final long PROCESS = ProcessHandle.current().pid();
    private static final Map<String, CountDownLatch> STOPS = new ConcurrentHashMap<>();
    private static final AtomicInteger INSTANCES = new AtomicInteger();

    private final String id;
    private final Map<String, String> options;
    private final String nameServer;

    private Client(String id, Map<String, String> options, String nameServer) {
        this.id = id;
        this.options = options;
        this.nameServer = nameServer;
    }

    public static void main(String[] args) throws Exception {
        System.setOut(System.err); // loggers write there too
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split(" ", 3);
            Client client = new Client(parts[0], parse(parts[2]), args[0]);
            STOPS.put(parts[0], new CountDownLatch(1));
            Thread thread = new Thread(() -> client.run(parts[1]), parts[1] + "-" + parts[0]);
            thread.setDaemon(true);
            thread.start();
        }
        System.exit(0);
    }

    /** A name that no other client on this machine has: replies find their client by it. */
    private static String instance(String role) {
        return role + "-" + PROCESS + "-" + INSTANCES.incrementAndGet();
    }

    private static Map<String, String> parse(String text) {
        Map<String, String> found = new HashMap<>();
        for (String pair : text.split("&")) {
            String[] sides = pair.split("=", 2);
            found.put(sides[0], URLDecoder.decode(sides[1], StandardCharsets.UTF_8));
        }
        return found;
    }

    private void run(String verb) {
        try {
            switch (verb) {
                case "produce": produce(); break;
                case "transact": transact(); break;
                case "consume": consume(); break;
                case "request": request(); break;
                case "reply": reply(); break;
                case "admin": admin(); break;
                case "stop": STOPS.get(option("target")).countDown(); break;
                default: throw new IllegalArgumentException(verb);
            }
            event("end");
        } catch (Throwable error) {
            event("end", "error", error.toString());
        }
    }

    private void produce() throws Exception {
        boolean traced = options.containsKey("trace");
        DefaultMQProducer producer = started(new DefaultMQProducer(option("group"), keys(), traced, null));
        try {
            int count = number("count", 1);
            String mode = options.getOrDefault("mode", "sync");
            if (mode.equals("batch")) {
                List<Message> messages = new ArrayList<>();
                for (int i = 0; i < count; i++) {
                    messages.add(message(i));
                }
                sent(producer.send(messages));
            } else if (mode.equals("async")) {
                sendAsync(producer, count);
            } else {
                for (int i = 0; i < count; i++) {
                    sendOne(producer, mode, i);
                }
            }
        } finally {
            later(producer::shutdown);
        }
    }

    private void sendOne(DefaultMQProducer producer, String mode, int number) throws Exception {
        Message message = message(number);
        switch (mode) {
            case "oneway": producer.sendOneway(message); break;
            case "ordered":
                sent(producer.send(message, new SelectMessageQueueByHash(), option("key") + number % 3));
                break;
            default: sent(producer.send(message));
        }
    }

    private void sendAsync(DefaultMQProducer producer, int count) throws Exception {
        CountDownLatch left = new CountDownLatch(count);
        for (int i = 0; i < count; i++) {
            producer.send(message(i), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    sent(result);
                    left.countDown();
                }

                @Override
                public void onException(Throwable error) {
                    event("failed", "error", error.toString());
                    left.countDown();
                }
            });
        }
        if (!left.await(20, TimeUnit.SECONDS)) {
            throw new IllegalStateException("sends without an answer: " + left.getCount());
        }
    }

    private Message message(int number) throws Exception {
        byte[] body = (option("body") + number).getBytes(StandardCharsets.UTF_8);
        int size = number("size", 0);
        if (size > body.length) {
            body = java.util.Arrays.copyOf(body, size);
        }
        Message message = new Message(option("topic"), options.getOrDefault("tags", ""), body);
        if (options.containsKey("keys")) {
            message.setKeys(option("keys"));
        }
        for (Map.Entry<String, String> option : options.entrySet()) {
            if (option.getKey().startsWith("p.")) {
                message.putUserProperty(option.getKey().substring(2), option.getValue());
            }
        }
        if (options.containsKey("level")) {
            message.setDelayTimeLevel(number("level", 0));
        }
        if (options.containsKey("delaySeconds")) {
            call(message, "setDelayTimeSec", long.class, (long) number("delaySeconds", 0));
        }
        return message;
    }

    private void transact() throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer(option("group"), keys());
        LocalTransactionState decision = LocalTransactionState.valueOf(option("decision"));
        CountDownLatch checked = new CountDownLatch(options.containsKey("answer") ? 1 : 0);
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                event("executed", "transactionId", message.getTransactionId());
                return decision;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                event("checked", "message", message);
                checked.countDown();
                return LocalTransactionState.valueOf(option("answer"));
            }
        });
        started(producer);
        try {
            sent(producer.sendMessageInTransaction(message(0), null));
            if (!checked.await(90, TimeUnit.SECONDS)) {
                throw new IllegalStateException("no check-back came");
            }
            Thread.sleep(300); // the answer of the check leaves in a thread of the client
        } finally {
            later(producer::shutdown);
        }
    }

    private void consume() throws Exception {
        DefaultMQPushConsumer consumer = consumer();
        consumer.setMaxReconsumeTimes(number("maxTries", -1));
        if (options.containsKey("pop")) {
            call(consumer, "setClientRebalance", boolean.class, false);
        }
        if (options.containsKey("model")) {
            setModel(consumer, option("model"));
        }
        if (options.containsKey("sql")) {
            consumer.subscribe(option("topic"), MessageSelector.bySql(option("sql")));
        } else {
            consumer.subscribe(option("topic"), options.getOrDefault("tags", "*"));
        }
        int failures = number("failures", 0);
        Map<String, AtomicInteger> seen = new ConcurrentHashMap<>();
        if (options.containsKey("orderly")) {
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                return take(messages, seen, failures)
                    ? ConsumeOrderlyStatus.SUCCESS : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
            });
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                if (options.containsKey("level")) {
                    context.setDelayLevelWhenNextConsume(number("level", 0));
                }
                return take(messages, seen, failures)
                    ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS : ConsumeConcurrentlyStatus.RECONSUME_LATER;
            });
        }
        consumer.start();
        event("ready", "clientId", consumer.buildMQClientId());
        STOPS.get(id).await();
        consumer.shutdown();
    }

    private boolean take(List<MessageExt> messages, Map<String, AtomicInteger> seen, int failures) {
        boolean taken = true;
        for (MessageExt message : messages) {
            event("message", "message", message);
            int tries = seen.computeIfAbsent(message.getMsgId(), unused -> new AtomicInteger()).incrementAndGet();
            taken &= tries > failures;
        }
        return taken;
    }

    private void request() throws Exception {
        DefaultMQProducer producer = started(new DefaultMQProducer(option("group"), keys()));
        try {
            Message reply = producer.request(message(0), number("timeout", 15000));
            event("replied", "body", new String(reply.getBody(), StandardCharsets.UTF_8));
        } finally {
            later(producer::shutdown);
        }
    }

    private void reply() throws Exception {
        DefaultMQProducer producer = started(new DefaultMQProducer(option("group") + "-replies", keys()));
        DefaultMQPushConsumer consumer = consumer();
        consumer.subscribe(option("topic"), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                event("message", "message", message);
                answer(producer, message);
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        event("ready", "clientId", consumer.buildMQClientId());
        STOPS.get(id).await();
        consumer.shutdown();
        producer.shutdown();
    }

    /** A Go client that asks makes itself known to the broker a moment after it has asked, so one try may fail. */
    private void answer(DefaultMQProducer producer, MessageExt message) {
        String body = "reply to " + new String(message.getBody(), StandardCharsets.UTF_8);
        for (int left = REPLY_TRIES; left > 0; left--) {
            try {
                Message reply = MessageUtil.createReplyMessage(message, body.getBytes(StandardCharsets.UTF_8));
                sent(producer.send(reply, 5000));
                return;
            } catch (Exception error) {
                event("failed", "error", error.toString());
                pause(500);
            }
        }
    }

    private static void pause(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    private void admin() throws Exception {
        List<String> arguments = new ArrayList<>(List.of(option("command").split(" ")));
        Collections.addAll(arguments, "-n", nameServer);
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        synchronized (Client.class) {
            System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
            try {
                MQAdminStartup.main0(arguments.toArray(new String[0]), null);
            } finally {
                System.setOut(System.err);
            }
        }
        event("printed", "text", printed.toString(StandardCharsets.UTF_8));
    }

    /** What signs requests; null when the options have no keys. */
    private RPCHook keys() {
        if (!options.containsKey("accessKey")) {
            return null;
        }
        return new AclClientRPCHook(new SessionCredentials(option("accessKey"), option("secretKey")));
    }

    private DefaultMQPushConsumer consumer() {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(
            option("group"), keys(), new AllocateMessageQueueAveragely(), options.containsKey("trace"), null);
        consumer.setNamesrvAddr(nameServer);
        consumer.setInstanceName(instance("consumer"));
        consumer.setUseTLS(options.containsKey("tls"));
        consumer.setMqClientApiTimeout(PATIENCE);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        return consumer;
    }

    private <T extends DefaultMQProducer> T started(T producer) throws Exception {
        producer.setUseTLS(options.containsKey("tls"));
        producer.setNamesrvAddr(nameServer);
        producer.setInstanceName(instance("producer"));
        producer.setSendMsgTimeout(PATIENCE);
        producer.setMqClientApiTimeout(PATIENCE);
        producer.start();
        return producer;
    }

    /** The clients of 5.x take three seconds to close, and nobody has to wait for that. */
    private static void later(Runnable shutdown) {
        Thread thread = new Thread(shutdown, "shutdown");
        thread.setDaemon(true);
        thread.start();
    }

    private static void setModel(DefaultMQPushConsumer consumer, String name) throws Exception {
        for (Method method : DefaultMQPushConsumer.class.getMethods()) {
            if (method.getName().equals("setMessageModel")) {
                Class<?> kind = method.getParameterTypes()[0];
                method.invoke(consumer, kind.getField(name).get(null));
            }
        }
    }

    private static void call(Object target, String name, Class<?> kind, Object argument) throws Exception {
        target.getClass().getMethod(name, kind).invoke(target, argument);
    }

    private String option(String name) {
        String value = options.get(name);
        if (value == null) {
            throw new IllegalArgumentException("option " + name + " is missing");
        }
        return value;
    }

    private int number(String name, int ifMissing) {
        return options.containsKey(name) ? Integer.parseInt(options.get(name)) : ifMissing;
    }

    private void sent(SendResult result) {
        event("sent", "status", result.getSendStatus().name(), "msgId", result.getMsgId(),
            "offsetMsgId", result.getOffsetMsgId(), "queueId", result.getMessageQueue().getQueueId(),
            "queueOffset", result.getQueueOffset());
    }

    private void event(String name, Object... fields) {
        StringBuilder line = new StringBuilder("{\"id\":").append(text(id)).append(",\"event\":").append(text(name));
        for (int i = 0; i < fields.length; i += 2) {
            line.append(',').append(text(fields[i].toString())).append(':').append(value(fields[i + 1]));
        }
        String whole = line.append('}').toString();
        synchronized (OUT) {
            byte[] bytes = (whole + "\n").getBytes(StandardCharsets.UTF_8);
            OUT.write(bytes, 0, bytes.length);
            OUT.flush();
        }
    }

    private static String value(Object value) {
        if (value instanceof MessageExt) {
            MessageExt message = (MessageExt) value;
            StringBuilder properties = new StringBuilder("{");
            message.getProperties().forEach((name, text) -> properties
                .append(properties.length() > 1 ? "," : "").append(text(name)).append(':').append(text(text)));
            return "{\"topic\":" + text(message.getTopic())
                + ",\"body\":" + text(new String(message.getBody(), StandardCharsets.UTF_8))
                + ",\"tags\":" + value(message.getTags()) + ",\"keys\":" + value(message.getKeys())
                + ",\"msgId\":" + text(message.getMsgId()) + ",\"queueId\":" + message.getQueueId()
                + ",\"queueOffset\":" + message.getQueueOffset()
                + ",\"reconsumeTimes\":" + message.getReconsumeTimes()
                + ",\"properties\":" + properties + "}}";
        }
        if (value == null || value instanceof Number) {
            return String.valueOf(value);
        }
        return text(value.toString());
    }

    private static String text(String value) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char unit : value.toCharArray()) {
            if (unit == '"' || unit == '\\') {
                quoted.append('\\').append(unit);
            } else if (unit < 0x20) {
                quoted.append(String.format("\\u%04x", (int) unit));
            } else {
                quoted.append(unit);
            }
        }
        return quoted.append('"').toString();
    }
}
