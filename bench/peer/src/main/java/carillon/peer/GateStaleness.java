package carillon.peer;

import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/** Drops what is too old to be told, and what is not keyed by its member. */
final class GateStaleness extends ContextualFixedKeyProcessor<String, Event, Event> {
  @Override
  public void process(FixedKeyRecord<String, Event> record) {
    Event event = record.value();
    if (!event.memberId.equals(record.key())) return;
    if (context().currentSystemTimeMs() - event.timeMs > event.useCase.maxAgeMs) return;
    context().forward(record);
  }
}
