package carillon.peer;

import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** A burst that is waited for: its newest event, and when it began and is over. */
record Held(Event newest, long offset, long firstMs, long dueMs) {
  private static final int FIXED_BYTES = 1 + 3 * 8 + 4;

  /** @param events decodes the event again when a row is read */
  static Serde<Held> serde(EventDeserializer events) {
    return new Serde<>() {
      @Override
      public Serializer<Held> serializer() {
        return (topic, row) -> row == null ? null : row.encode();
      }

      @Override
      public Deserializer<Held> deserializer() {
        return (topic, bytes) -> bytes == null ? null : decode(bytes, events);
      }
    };
  }

  private byte[] encode() {
    return ByteBuffer.allocate(FIXED_BYTES + newest.wire.length)
        .put((byte) newest.useCase.ordinal())
        .putLong(firstMs).putLong(dueMs).putLong(offset).putInt(newest.count)
        .put(newest.wire)
        .array();
  }

  private static Held decode(byte[] bytes, EventDeserializer events) {
    ByteBuffer row = ByteBuffer.wrap(bytes);
    UseCase useCase = UseCase.ALL[row.get()];
    long firstMs = row.getLong();
    long dueMs = row.getLong();
    long offset = row.getLong();
    int count = row.getInt();
    byte[] wire = new byte[row.remaining()];
    row.get(wire);
    return new Held(events.decode(useCase, wire, count), offset, firstMs, dueMs);
  }
}
