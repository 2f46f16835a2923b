package carillon.peer;

import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * {@code Loader BROKERS}: for each line of standard input, the name of a file, it produces the
 * records of that file and answers {@code sent N}. Its form: a count of topics (i32) and their
 * names (UTF), then records up to the end: topic (i32, from 0), partition (i32), timestamp (i64),
 * key and value, each a size (i32) and bytes.
 */
public final class Loader {
  private Loader() {}

  public static void main(String[] args) throws IOException {
    Map<String, Object> config = Map.of(
        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, args[0],
        ProducerConfig.ACKS_CONFIG, "all",
        ProducerConfig.BATCH_SIZE_CONFIG, 256 * 1024,
        ProducerConfig.LINGER_MS_CONFIG, 5,
        ProducerConfig.BUFFER_MEMORY_CONFIG, 256L * 1024 * 1024);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    try (var producer =
        new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (String file = lines.readLine(); file != null; file = lines.readLine()) {
        System.out.println("sent " + load(producer, Path.of(file)));
      }
    }
  }

  private static long load(KafkaProducer<byte[], byte[]> producer, Path file) throws IOException {
    AtomicReference<Exception> failure = new AtomicReference<>();
    long count = 0;
    try (InputStream bytes = new BufferedInputStream(Files.newInputStream(file), 1 << 20);
        DataInputStream in = new DataInputStream(bytes)) {
      String[] topics = new String[in.readInt()];
      for (int i = 0; i < topics.length; i++) topics[i] = in.readUTF();
      for (int topic = next(in); topic >= 0; topic = next(in)) {
        int partition = in.readInt();
        long timestamp = in.readLong();
        byte[] key = in.readNBytes(in.readInt());
        byte[] value = in.readNBytes(in.readInt());
        producer.send(new ProducerRecord<>(topics[topic], partition, timestamp, key, value),
            (metadata, error) -> failure.compareAndSet(null, error));
        count++;
      }
    }
    producer.flush();
    if (failure.get() != null) throw new IOException(failure.get());
    return count;
  }

  private static int next(DataInputStream in) throws IOException {
    try {
      return in.readInt();
    } catch (EOFException end) {
      return -1;
    }
  }
}
