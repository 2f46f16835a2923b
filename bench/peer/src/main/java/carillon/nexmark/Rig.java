package carillon.nexmark;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.processor.internals.StreamTask;

/**
 * Kafka Streams without a broker: its own stream task, as the test driver puts it together, but
 * driven as a stream thread does. The driver itself takes one record at a time and commits behind
 * each, which would cost Kafka Streams more than all else.
 */
final class Rig implements AutoCloseable {
  private final TopologyTestDriver driver;
  private final StreamTask task;
  private final MockProducer<byte[], byte[]> producer;
  private final Time time;
  private final Set<String> inputs;
  private final Map<String, Long> ends = new HashMap<>();
  private final Consumer<ProducerRecord<byte[], byte[]>> told;
  long rows;

  Rig(Topology topology, Properties config, Consumer<ProducerRecord<byte[], byte[]>> told) {
    driver = new TopologyTestDriver(topology, config);
    task = of("task");
    producer = of("producer");
    time = of("mockWallClockTime");
    inputs = task.inputPartitions().stream().map(TopicPartition::topic).collect(Collectors.toSet());
    this.told = told;
  }

  boolean reads(String topic) {
    return inputs.contains(topic);
  }

  void advance(long ms) {
    time.sleep(ms);
  }

  void add(String topic, List<ConsumerRecord<byte[], byte[]>> records) {
    task.addRecords(new TopicPartition(topic, 0), records);
  }

  /** Works off what was added, and what comes of it. */
  void run() {
    do {
      long nowMs = time.milliseconds();
      while (task.hasRecordsQueued() && task.isProcessable(nowMs)) task.process(nowMs);
      task.maybePunctuateStreamTime();
      task.maybePunctuateSystemTime();
    } while (passOn());
  }

  void commit() {
    task.prepareCommit(true);
    task.postCommit(false);
    passOn();
  }

  /** What was written to topics that the task reads, it reads; gives whether there was any. */
  private boolean passOn() {
    List<ProducerRecord<byte[], byte[]>> written = producer.history();
    producer.clear();
    Map<String, List<ConsumerRecord<byte[], byte[]>>> again = new HashMap<>();
    for (ProducerRecord<byte[], byte[]> record : written) {
      String topic = record.topic();
      if (topic.endsWith("-changelog")) rows++;
      else if (inputs.contains(topic)) {
        again.computeIfAbsent(topic, of -> new ArrayList<>()).add(read(record));
      } else told.accept(record);
    }
    again.forEach(this::add);
    return !again.isEmpty();
  }

  private ConsumerRecord<byte[], byte[]> read(ProducerRecord<byte[], byte[]> record) {
    return recordOf(record.topic(), record.timestamp(), record.key(), record.value());
  }

  ConsumerRecord<byte[], byte[]> recordOf(String topic, long atMs, byte[] key, byte[] value) {
    long offset = ends.merge(topic, 1L, Long::sum) - 1;
    return new ConsumerRecord<>(topic, 0, offset, atMs, TimestampType.CREATE_TIME,
        key == null ? -1 : key.length, value == null ? -1 : value.length, key, value,
        new org.apache.kafka.common.header.internals.RecordHeaders(), java.util.Optional.empty());
  }

  @SuppressWarnings("unchecked")
  private <T> T of(String name) {
    try {
      Field field = TopologyTestDriver.class.getDeclaredField(name);
      field.setAccessible(true);
      return (T) field.get(driver);
    } catch (ReflectiveOperationException error) {
      throw new IllegalStateException("the test driver has another form", error);
    }
  }

  @Override
  public void close() {
    driver.close();
  }
}
