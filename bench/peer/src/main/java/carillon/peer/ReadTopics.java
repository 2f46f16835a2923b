package carillon.peer;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * {@code ReadTopics BROKERS TOPIC…}: all committed records, one a line: topic, partition, offset,
 * timestamp, key, and the value in base64, with tabs between. Kafka's own consumer, so that outputs
 * are compared as any other reader sees them.
 */
public final class ReadTopics {
  private ReadTopics() {}

  public static void main(String[] args) throws IOException {
    Map<String, Object> config = Map.of(
        ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, args[0],
        ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed",
        ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 10_000);
    PrintStream out =
        new PrintStream(new BufferedOutputStream(System.out, 1 << 20), false, "UTF-8");
    try (var consumer =
        new KafkaConsumer<>(config, new StringDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> all = Arrays.stream(args).skip(1)
          .flatMap(topic -> consumer.partitionsFor(topic).stream())
          .map(one -> new TopicPartition(one.topic(), one.partition()))
          .toList();
      consumer.assign(all);
      consumer.seekToBeginning(all);
      Map<TopicPartition, Long> ends = consumer.endOffsets(all);
      Set<TopicPartition> left = new HashSet<>(all);
      // The position passes by control records, so that it comes to the end of each partition.
      while (!left.isEmpty()) {
        for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          print(record, out);
        }
        left.removeIf(one -> consumer.position(one) >= ends.get(one));
      }
    }
    out.flush();
    if (out.checkError()) throw new IOException("standard output is closed");
  }

  private static void print(ConsumerRecord<String, byte[]> record, PrintStream out) {
    String head = record.topic() + '\t' + record.partition() + '\t' + record.offset() + '\t'
        + record.timestamp() + '\t' + record.key() + '\t';
    byte[] value = Base64.getEncoder().encode(record.value());
    out.writeBytes(head.getBytes(StandardCharsets.UTF_8));
    out.writeBytes(value);
    out.write('\n');
  }
}
