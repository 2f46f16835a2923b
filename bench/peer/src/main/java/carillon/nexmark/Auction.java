package carillon.nexmark;

import carillon.peer.AvroReader;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What is read of an auction. */
record Auction(long seller, long dateTime) {
  static final Serde<Auction> SERDE = Serdes.serdeFrom((topic, auction) -> {
    throw new UnsupportedOperationException("nobody writes auctions");
  }, (topic, bytes) -> read(bytes));

  private static Auction read(byte[] wire) {
    AvroReader in = new AvroReader(wire, AvroReader.HEADER_BYTES);
    in.readLong();
    in.skipString();
    in.skipString();
    in.readLong();
    in.readLong();
    long dateTime = in.readLong();
    in.readLong();
    return new Auction(in.readLong(), dateTime);
  }
}
