package carillon.nexmark;

import carillon.peer.AvroReader;
import carillon.peer.AvroWriter;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** Somebody who has joined, and in which window. */
record Newcomer(long id, String name, long window) {
  /** For the store of the join. */
  static final Serde<Newcomer> SERDE = Serdes.serdeFrom(
      (topic, one) -> one == null ? null
          : new AvroWriter().writeLong(one.id).writeString(one.name).writeLong(one.window).toBytes(),
      (topic, bytes) -> bytes == null ? null : read(bytes));

  static Newcomer of(Person person) {
    return new Newcomer(person.id(), person.name(), windowOf(person.dateTime()));
  }

  static long windowOf(long atMs) {
    return atMs - atMs % Queries.SIZE.toMillis();
  }

  private static Newcomer read(byte[] bytes) {
    AvroReader in = new AvroReader(bytes, 0);
    return new Newcomer(in.readLong(), in.readString(), in.readLong());
  }
}
