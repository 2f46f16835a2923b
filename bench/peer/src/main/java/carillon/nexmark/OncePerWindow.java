package carillon.nexmark;

import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.WindowStore;

/** Passes a seller once in each window. */
final class OncePerWindow extends ContextualFixedKeyProcessor<Long, Long, Long> {
  static final String STORE = "sellers-seen";
  private static final byte[] SEEN = {1};

  private WindowStore<Long, byte[]> seen;

  @Override
  public void init(FixedKeyProcessorContext<Long, Long> context) {
    super.init(context);
    seen = context.getStateStore(STORE);
  }

  @Override
  public void process(FixedKeyRecord<Long, Long> record) {
    long window = record.value();
    if (seen.fetch(record.key(), window) != null) return;
    seen.put(record.key(), SEEN, window);
    context().forward(record);
  }
}
