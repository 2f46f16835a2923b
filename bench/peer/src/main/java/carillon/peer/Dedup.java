package carillon.peer;

import java.nio.ByteBuffer;
import java.time.Duration;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Passes an event once, by event time. The row of an identity is the time of the event that passed
 * and its offset: read again after a crash (at least once), it passes again.
 *
 * <p>A key-value store and not a window store: in memory, the fetch of a key over a span of time
 * visits every millisecond of it.
 */
final class Dedup extends ContextualFixedKeyProcessor<String, Event, Event> {
  static final String STORE = "seen";
  private static final int ROW_BYTES = 16;
  private static final Duration PURGE_EVERY = Duration.ofMinutes(10);

  private KeyValueStore<String, byte[]> seen;
  private long streamMs = Long.MIN_VALUE;

  @Override
  public void init(FixedKeyProcessorContext<String, Event> context) {
    super.init(context);
    seen = context.getStateStore(STORE);
    context.schedule(PURGE_EVERY, PunctuationType.STREAM_TIME, this::purge);
  }

  @Override
  public void process(FixedKeyRecord<String, Event> record) {
    Event event = record.value();
    long withinMs = event.useCase.dedupWithinMs;
    long offset = context().recordMetadata().orElseThrow().offset();
    streamMs = Math.max(streamMs, event.timeMs);
    String identity = identityOf(event);
    byte[] row = seen.get(identity);
    if (row == null) {
      // What is too late to be judged passes, and is not remembered.
      if (event.timeMs >= streamMs - withinMs) remember(identity, event, offset);
    } else {
      ByteBuffer before = ByteBuffer.wrap(row);
      long apartMs = event.timeMs - before.getLong();
      boolean isSame = before.getLong() == offset;
      if (!isSame && Math.abs(apartMs) <= withinMs) return;
      if (!isSame && apartMs > withinMs) remember(identity, event, offset);
    }
    context().forward(record);
  }

  /** Priorities are told apart: each has its own view of a topic that two of them read. */
  private static String identityOf(Event event) {
    return event.useCase.id + event.priority.ordinal() + event.eventId;
  }

  private void remember(String identity, Event event, long offset) {
    ByteBuffer row = ByteBuffer.allocate(ROW_BYTES).putLong(event.timeMs).putLong(offset);
    seen.put(identity, row.array());
  }

  /** Forgets identities after twice their span. */
  private void purge(long nowMs) {
    try (KeyValueIterator<String, byte[]> rows = seen.all()) {
      while (rows.hasNext()) {
        KeyValue<String, byte[]> row = rows.next();
        long timeMs = ByteBuffer.wrap(row.value).getLong();
        if (timeMs < nowMs - 2 * withinOf(row.key)) seen.delete(row.key);
      }
    }
  }

  private static long withinOf(String identity) {
    for (UseCase one : UseCase.ALL) if (identity.startsWith(one.id)) return one.dedupWithinMs;
    throw new IllegalStateException(identity);
  }
}
