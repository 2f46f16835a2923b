package carillon.nexmark;

import carillon.peer.Settings;
import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.streams.StreamsConfig;

/**
 * {@code InProcess SETTINGS LOAD FOLDER PASSES QUERY…}: runs each query on the records of a file
 * (Loader has its form) once, writes what it tells to FOLDER/QUERY, then runs it PASSES times and
 * prints a line of JSON for each.
 */
public final class InProcess {
  /** As the other contender's: a round is what comes at once. */
  private static final int ROUND_EVENTS = 1_000;
  private static final int COMMIT_EVERY_ROUNDS = 10;
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private record Event(String topic, long atMs, byte[] key, byte[] value) {}

  private record Run(double cpuSeconds, long events, long told, long rows) {}

  private final Settings settings;
  private final List<Event> events;

  private InProcess(Settings settings, List<Event> events) {
    this.settings = settings;
    this.events = events;
  }

  public static void main(String[] args) throws IOException {
    InProcess all = new InProcess(Settings.read(args[0]), load(Path.of(args[1])));
    int passes = Integer.parseInt(args[3]);
    for (String query : List.of(args).subList(4, args.length)) {
      Path file = Path.of(args[2], query);
      try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(file))) {
        all.run(query, record -> print(out, record));
      }
      for (int pass = 0; pass < passes; pass++) {
        long[] told = {0};
        Run run = all.run(query, record -> told[0]++);
        System.out.printf("{\"query\":\"%s\",\"cpuSeconds\":%f,\"events\":%d,\"told\":%d,\"rows\":%d}%n",
            query, run.cpuSeconds, run.events, told[0], run.rows);
      }
    }
  }

  private Run run(String query, Consumer<ProducerRecord<byte[], byte[]>> told) {
    Properties config = settings.streamsConfig();
    // Also of the past: the task waits for nothing.
    config.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, -1L);
    config.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, Integer.MAX_VALUE);
    var topology = Queries.build(query, settings.schemaIds(), settings.onDisk(), config);
    try (Rig rig = new Rig(topology, config, told)) {
      long started = SYSTEM.getProcessCpuTime();
      long given = 0;
      long nowMs = events.get(0).atMs;
      for (int at = 0; at < events.size(); at += ROUND_EVENTS) {
        List<Event> round = events.subList(at, Math.min(at + ROUND_EVENTS, events.size()));
        // The clock goes as event time does.
        rig.advance(round.get(round.size() - 1).atMs - nowMs);
        nowMs = round.get(round.size() - 1).atMs;
        given += give(rig, round);
        rig.run();
        if ((at / ROUND_EVENTS + 1) % COMMIT_EVERY_ROUNDS == 0) rig.commit();
      }
      rig.commit();
      double cpuSeconds = (SYSTEM.getProcessCpuTime() - started) / 1e9;
      return new Run(cpuSeconds, given, 0, rig.rows);
    }
  }

  /** A round by topic. */
  private static long give(Rig rig, List<Event> round) {
    Map<String, List<ConsumerRecord<byte[], byte[]>>> byTopic = new LinkedHashMap<>();
    for (Event event : round) {
      if (!rig.reads(event.topic)) continue;
      byTopic.computeIfAbsent(event.topic, of -> new ArrayList<>())
          .add(rig.recordOf(event.topic, event.atMs, event.key, event.value));
    }
    byTopic.forEach(rig::add);
    return byTopic.values().stream().mapToLong(List::size).sum();
  }

  private static void print(PrintWriter out, ProducerRecord<byte[], byte[]> record) {
    out.println(record.topic() + '\t' + record.timestamp() + '\t'
        + new String(record.key(), StandardCharsets.UTF_8) + '\t'
        + Base64.getEncoder().encodeToString(record.value()));
  }

  private static List<Event> load(Path file) throws IOException {
    List<Event> events = new ArrayList<>();
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 20))) {
      String[] topics = new String[in.readInt()];
      for (int i = 0; i < topics.length; i++) topics[i] = in.readUTF();
      for (;;) {
        int topic;
        try {
          topic = in.readInt();
        } catch (EOFException end) {
          return events;
        }
        in.readInt();
        long atMs = in.readLong();
        byte[] key = in.readNBytes(in.readInt());
        events.add(new Event(topics[topic], atMs, key, in.readNBytes(in.readInt())));
      }
    }
  }
}
