import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

/**
 * Sends with the released Java client what it is told on its standard input, and tells in one JSON line how long it took.
 *
 * <p>A line of input is {@code work name=value name=value}. Every message is a new object; the client gives it
 * its id.
 */
public final class Peer {
    private static final int TIMEOUT_MS = 60_000;
    private static final int MOST_UNANSWERED = 16_384;
    private static final OperatingSystemMXBean SYSTEM =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private final DefaultMQProducer producer;
    private final Map<String, String> options;
    private final String topic;
    private final byte[] body;
    private final int count;
    private final AtomicLong failed = new AtomicLong();
    private long[] times = new long[0];

    private Peer(DefaultMQProducer producer, Map<String, String> options) {
        this.producer = producer;
        this.options = options;
        this.topic = options.get("topic");
        this.body = new byte[number("size")];
        this.count = number("count");
    }

    public static void main(String[] arguments) {
        try {
            serve(arguments[0]);
            System.exit(0);
        } catch (Throwable error) { // threads of the client would keep the program there without an answer
            error.printStackTrace();
            System.exit(1);
        }
    }

    private static void serve(String nameServer) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err); // loggers write there too
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        DefaultMQProducer producer = null;
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            Map<String, String> options = new HashMap<>();
            for (int i = 1; i < words.length; i++) {
                String[] sides = words[i].split("=", 2);
                options.put(sides[0], sides[1]);
            }
            if (producer == null) {
                producer = started(nameServer, words[0]);
            }
            out.println(new Peer(producer, options).measured(words[0]));
            out.flush();
        }
    }

    private static DefaultMQProducer started(String nameServer, String work) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("bench-group");
        producer.setNamesrvAddr(nameServer);
        producer.setSendMsgTimeout(TIMEOUT_MS);
        // Without this a producer asks another port of the broker for its routes once in a while.
        producer.setVipChannelEnabled(false);
        if (work.startsWith("submit")) {
            producer.setAutoBatch(true);
            producer.batchMaxDelayMs(Integer.getInteger("peer.linger", 10));
            producer.batchMaxBytes(Long.getLong("peer.batchBytes", 32 * 1024));
            producer.totalBatchMaxBytes(64L << 20);
        }
        producer.start();
        return producer;
    }

    private String measured(String work) throws Exception {
        long cpu = SYSTEM.getProcessCpuTime();
        long begun = System.nanoTime();
        switch (work) {
            case "awaited": inFlight(this::sendAsync, count, number("inflight")); break;
            // A message that waits for its batch counts as in flight, so there are far more of them.
            case "submit":
            case "submit-told":
                inFlight(this::sendAsync, count, 32 * number("inflight"));
                break;
            case "batch": batches(); break;
            case "oneway": oneWay(); break;
            case "sync":
            case "one":
                sync();
                break;
            case "threads": threads(); break;
            default: throw new IllegalArgumentException(work);
        }
        double seconds = (System.nanoTime() - begun) / 1e9;
        double used = (SYSTEM.getProcessCpuTime() - cpu) / 1e9;
        return shown(seconds, used);
    }

    private int number(String name) {
        return Integer.parseInt(options.getOrDefault(name, "1"));
    }

    private Message message() {
        return new Message(topic, body);
    }

    private void check(SendResult result) {
        if (result.getSendStatus() != SendStatus.SEND_OK) {
            failed(result);
        }
    }

    private void failed(Object why) {
        if (failed.getAndIncrement() == 0) {
            System.err.println(why);
        }
    }

    private interface Sending {
        void send(SendCallback done) throws Exception;
    }

    private void sendAsync(SendCallback done) throws Exception {
        producer.send(message(), done);
    }

    private void inFlight(Sending sending, int calls, int most) throws Exception {
        Semaphore free = new Semaphore(most);
        SendCallback done = new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {
                check(result);
                free.release();
            }

            @Override
            public void onException(Throwable error) {
                failed(error);
                free.release();
            }
        };
        for (int i = 0; i < calls; i++) {
            free.acquire();
            sending.send(done);
        }
        if (!free.tryAcquire(most, TIMEOUT_MS, TimeUnit.MILLISECONDS)) {
            throw new IllegalStateException("sends without an answer: " + (most - free.availablePermits()));
        }
    }

    private List<Message> batch() {
        int most = number("batch");
        List<Message> messages = new ArrayList<>(most);
        for (int i = 0; i < most; i++) {
            messages.add(message());
        }
        return messages;
    }

    private void batches() throws Exception {
        int calls = count / number("batch");
        if (number("inflight") > 1) {
            inFlight(done -> producer.send(batch(), done), calls, number("inflight"));
            return;
        }
        for (int i = 0; i < calls; i++) {
            check(producer.send(batch()));
        }
    }

    /**
     * The last one is answered, so that the time ends when all have been taken, and so is one of many.
     *
     * <p>The client counts one-way messages that are not written yet in a semaphore of 65,535, and waits for it
     * in the thread that would write them: with more than that on their way nothing is written any more.
     */
    private void oneWay() throws Exception {
        for (int i = 1; i < count; i++) {
            if (i % MOST_UNANSWERED == 0) {
                check(producer.send(message()));
            } else {
                producer.sendOneway(message());
            }
        }
        check(producer.send(message()));
    }

    private void sync() throws Exception {
        times = new long[count];
        for (int i = 0; i < count; i++) {
            long begun = System.nanoTime();
            SendResult result = producer.send(message());
            times[i] = System.nanoTime() - begun;
            check(result);
        }
        Arrays.sort(times);
    }

    private void threads() throws Exception {
        AtomicLong left = new AtomicLong(count);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < number("threads"); i++) {
            Thread thread = new Thread(() -> {
                while (left.getAndDecrement() > 0) {
                    try {
                        check(producer.send(message()));
                    } catch (Exception error) {
                        failed(error);
                    }
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private String shown(double seconds, double used) {
        String text = String.format(Locale.ROOT, "{\"count\":%d,\"rate\":%.1f,\"cpu_us\":%.4f,\"failed\":%d",
            count, count / seconds, used / count * 1e6, failed.get());
        if (times.length > 0) {
            text += String.format(Locale.ROOT, ",\"p50_us\":%.2f,\"p99_us\":%.2f",
                times[times.length / 2] / 1e3, times[(int) (times.length * 0.99)] / 1e3);
        }
        return text + "}";
    }
}
