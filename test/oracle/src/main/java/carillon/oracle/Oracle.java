package carillon.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.test.TestRecord;

/**
 * Runs programs through Kafka Streams' TopologyTestDriver: one JSON object a line comes in, and the
 * array of its answers goes out. A program has {@code kind}, {@code base} (all its times are
 * milliseconds after it), {@code until} (later records are not judged, as if their time could not be
 * read), and {@code records}: {@code [topic, key, time, value]} each. An answer is {@code [n, time,
 * answer]}: which record it is for, the time of the record that was written, and the program's JSON.
 */
public final class Oracle {
  static final String OUT = "out";
  static final ObjectMapper JSON = new ObjectMapper();

  private static final Map<String, Program> PROGRAMS =
      Map.of(
          "aggregate", new Aggregates(),
          "stream-join", new StreamJoins(),
          "table-join", new TableJoins(),
          "table-pair", new TablePairs(),
          "foreign-join", new TablePairs(),
          "stateless", new Stateless());
  /** Unmatched records are looked for at each record, and not once a second of wall clock. */
  private static final String AT_ONCE =
      StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_OUTER_JOIN_SPURIOUS_RESULTS_FIX;

  private Oracle() {}

  public static void main(final String[] args) throws IOException {
    final BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      System.out.println(JSON.writeValueAsString(run(JSON.readTree(line))));
    }
  }

  private static ArrayNode run(final JsonNode program) throws IOException {
    final StreamsBuilder builder = new StreamsBuilder();
    PROGRAMS.get(program.get("kind").asText()).build(program, builder);
    final File state = Files.createTempDirectory("oracle").toFile();
    final ArrayNode answers = JSON.createArrayNode();
    try (TopologyTestDriver driver = new TopologyTestDriver(builder.build(), settings(program, state))) {
      final Map<String, TestInputTopic<String, String>> inputs = new HashMap<>();
      final TestOutputTopic<String, String> out =
          driver.createOutputTopic(OUT, new StringDeserializer(), new StringDeserializer());
      int n = 0;
      for (final JsonNode record : program.get("records")) {
        final TestInputTopic<String, String> input =
            inputs.computeIfAbsent(
                record.get(0).asText(),
                topic ->
                    driver.createInputTopic(topic, new StringSerializer(), new StringSerializer()));
        feed(input, record, program);
        while (!out.isEmpty()) answers.add(answer(n, out.readRecord(), program));
        n++;
      }
    }
    return answers;
  }

  /** A record without a value has its time from the log, as a value cannot say it. */
  private static void feed(
      final TestInputTopic<String, String> input, final JsonNode record, final JsonNode program)
      throws IOException {
    final String key = record.get(1).isNull() ? null : record.get(1).asText();
    final long at = program.get("base").asLong() + record.get(2).asLong();
    String value = null;
    if (!record.get(3).isNull()) {
      final ObjectNode of = JSON.createObjectNode().put(Times.AT, at);
      of.set("of", record.get(3));
      value = JSON.writeValueAsString(of);
    }
    input.pipeInput(key, value, Math.max(0, at));
  }

  private static JsonNode answer(
      final int n, final TestRecord<String, String> record, final JsonNode program)
      throws IOException {
    // A row that is deleted says no more than its key.
    final JsonNode answer =
        record.value() == null
            ? JSON.createArrayNode().add(record.key())
            : JSON.readTree(record.value());
    return JSON.createArrayNode()
        .add(n)
        .add(record.timestamp() - program.get("base").asLong())
        .add(answer);
  }

  private static Properties settings(final JsonNode program, final File state) {
    final Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "oracle");
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "nowhere:9092");
    settings.put(StreamsConfig.STATE_DIR_CONFIG, state.getPath());
    settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    settings.put(StreamsConfig.DEFAULT_TIMESTAMP_EXTRACTOR_CLASS_CONFIG, Times.class);
    settings.put(AT_ONCE, 0L);
    settings.put(Times.UNTIL, program.get("base").asLong() + program.get("until").asLong());
    return settings;
  }
}
