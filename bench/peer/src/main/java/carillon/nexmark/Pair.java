package carillon.nexmark;

import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** Two numbers: how high an auction ranks, and which one it is. */
record Pair(long rank, long auction) {
  private static final int BYTES = 2 * Long.BYTES;
  static final Serde<Pair> SERDE = Serdes.serdeFrom(
      (topic, pair) -> pair == null ? null : pair.toBytes(),
      (topic, bytes) -> bytes == null ? null : read(bytes));

  /** The higher one; of two that rank alike the greater auction. */
  static Pair higher(Pair a, Pair b) {
    if (a.rank != b.rank) return a.rank > b.rank ? a : b;
    return a.auction > b.auction ? a : b;
  }

  byte[] toBytes() {
    return ByteBuffer.allocate(BYTES).putLong(rank).putLong(auction).array();
  }

  private static Pair read(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    return new Pair(in.getLong(), in.getLong());
  }
}
