package carillon.nexmark;

import carillon.peer.AvroReader;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** A bid: its numbers, and its bytes, of which texts are copied where somebody wants them. */
record Bid(long auction, long bidder, long price, long dateTime, int extraStart, byte[] wire) {
  static final Serde<Bid> SERDE =
      Serdes.serdeFrom((topic, bid) -> bid.wire, (topic, bytes) -> read(bytes));

  private static Bid read(byte[] wire) {
    AvroReader in = new AvroReader(wire, AvroReader.HEADER_BYTES);
    long auction = in.readLong();
    long bidder = in.readLong();
    long price = in.readLong();
    in.skipString();
    in.skipString();
    long dateTime = in.readLong();
    return new Bid(auction, bidder, price, dateTime, in.position(), wire);
  }
}
