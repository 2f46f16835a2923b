package carillon.peer;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;

/** What the harness says, as a properties file; {@code streams.*} goes to Kafka Streams as it is. */
public record Settings(Properties given) {
  private static final String STREAMS = "streams.";
  private static final String SCHEMA = "schema.";

  public static Settings read(String file) throws IOException {
    Properties given = new Properties();
    try (Reader reader = Files.newBufferedReader(Path.of(file))) {
      given.load(reader);
    }
    return new Settings(given);
  }

  boolean coalesces() {
    return Boolean.parseBoolean(needed("coalesce"));
  }

  /** RocksDB in place of memory. */
  public boolean onDisk() {
    return needed("store").equals("rocksdb");
  }

  /** By the record's name. */
  public Map<String, Integer> schemaIds() {
    Map<String, Integer> ids = new HashMap<>();
    given.stringPropertyNames().stream()
        .filter(name -> name.startsWith(SCHEMA))
        .forEach(name -> ids.put(name.substring(SCHEMA.length()), Integer.valueOf(needed(name))));
    return ids;
  }

  public Properties streamsConfig() {
    Properties config = new Properties();
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, needed("application.id"));
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, needed("brokers"));
    config.put(StreamsConfig.STATE_DIR_CONFIG, needed("state.dir"));
    config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, needed("threads"));
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, guarantee());
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, needed("commit.interval.ms"));
    config.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    // The devices table is restored from its own topic: no changelog beside it.
    config.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
    config.put(StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG,
        LogAndContinueExceptionHandler.class);
    // Fuller batches: 16 lanes and 3 changelogs share a transaction.
    config.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 64 * 1024);
    config.put(StreamsConfig.consumerPrefix(ConsumerConfig.ISOLATION_LEVEL_CONFIG),
        "read_committed");
    config.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    given.stringPropertyNames().stream()
        .filter(name -> name.startsWith(STREAMS))
        .forEach(name -> config.put(name.substring(STREAMS.length()), needed(name)));
    return config;
  }

  private String guarantee() {
    return needed("guarantee").equals("exactly_once")
        ? StreamsConfig.EXACTLY_ONCE_V2
        : StreamsConfig.AT_LEAST_ONCE;
  }

  private String needed(String name) {
    String value = given.getProperty(name);
    if (value == null) throw new IllegalArgumentException("the settings lack " + name);
    return value;
  }
}
