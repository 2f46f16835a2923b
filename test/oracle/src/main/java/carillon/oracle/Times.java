package carillon.oracle;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.Configurable;
import org.apache.kafka.streams.processor.TimestampExtractor;

/**
 * Event time as the value has it. What lies beyond {@code oracle.until} is skipped, as a negative time
 * is: Carillon refuses both at the source.
 */
public final class Times implements TimestampExtractor, Configurable {
  static final String AT = "at";
  static final String UNTIL = "oracle.until";

  private static final long NONE = -1;

  private long until;

  @Override
  public void configure(final Map<String, ?> settings) {
    until = (Long) settings.get(UNTIL);
  }

  @Override
  public long extract(final ConsumerRecord<Object, Object> record, final long partitionTime) {
    // What Kafka Streams writes for itself is no text.
    if (!(record.value() instanceof String)) return record.timestamp();
    try {
      final long at = Oracle.JSON.readTree((String) record.value()).get(AT).asLong();
      return at > until ? NONE : at;
    } catch (final JsonProcessingException error) {
      throw new IllegalArgumentException(error);
    }
  }
}
