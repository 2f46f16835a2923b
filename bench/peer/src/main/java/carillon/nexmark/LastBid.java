package carillon.nexmark;

import java.nio.ByteBuffer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Keeps the last bid of each bidder on each auction, and passes what takes its place. Bids are keyed
 * by auction, so those of a pair are in one partition: no repartition.
 */
final class LastBid extends ContextualFixedKeyProcessor<String, Bid, Bid> {
  static final String STORE = "last-bids";
  private static final int KEY_BYTES = 2 * Long.BYTES;

  private KeyValueStore<Bytes, Bid> last;

  @Override
  public void init(FixedKeyProcessorContext<String, Bid> context) {
    super.init(context);
    last = context.getStateStore(STORE);
  }

  @Override
  public void process(FixedKeyRecord<String, Bid> record) {
    Bid bid = record.value();
    ByteBuffer key = ByteBuffer.allocate(KEY_BYTES).putLong(bid.auction()).putLong(bid.bidder());
    Bytes pair = Bytes.wrap(key.array());
    Bid before = last.get(pair);
    if (before != null && before.dateTime() > bid.dateTime()) return;
    last.put(pair, bid);
    context().forward(record);
  }
}
