package carillon.nexmark;

import carillon.peer.AvroReader;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What is read of a person. */
record Person(long id, String name, long dateTime) {
  static final Serde<Person> SERDE = Serdes.serdeFrom((topic, person) -> {
    throw new UnsupportedOperationException("nobody writes persons");
  }, (topic, bytes) -> read(bytes));

  private static Person read(byte[] wire) {
    AvroReader in = new AvroReader(wire, AvroReader.HEADER_BYTES);
    long id = in.readLong();
    String name = in.readString();
    for (int skipped = 0; skipped < 4; skipped++) in.skipString();
    return new Person(id, name, in.readLong());
  }
}
