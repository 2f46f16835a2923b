package carillon.peer;

import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.PriorityQueue;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Waits until a burst is over, on the wall clock: min(last + quiet, first + at most). Then its
 * newest event goes on, with the number of events that it stands for.
 *
 * <p>Rows are in the store; what is due when is an index in memory, made anew from the rows when
 * the task opens, so that a tick costs what is due and not what is held.
 */
final class Coalesce extends ContextualProcessor<String, Event, String, Event> {
  static final String STORE = "held";
  private static final Duration TICK = Duration.ofMillis(100);

  private KeyValueStore<String, Held> held;
  /** By use case, in the order in which bursts began: the time at which each is over. */
  private final Map<UseCase, LinkedHashMap<String, Long>> due = new HashMap<>();
  /** Also holds times that were put off since; {@link #due} has the last word. */
  private final PriorityQueue<Due> queue =
      new PriorityQueue<>(Comparator.comparingLong(Due::dueMs));

  private record Due(long dueMs, UseCase useCase, String key) {}

  @Override
  public void init(ProcessorContext<String, Event> context) {
    super.init(context);
    held = context.getStateStore(STORE);
    try (KeyValueIterator<String, Held> rows = held.all()) {
      while (rows.hasNext()) {
        KeyValue<String, Held> row = rows.next();
        plan(row.value.newest().useCase, row.key, row.value.dueMs());
      }
    }
    context.schedule(TICK, PunctuationType.WALL_CLOCK_TIME, this::releaseDue);
  }

  @Override
  public void process(Record<String, Event> record) {
    Event event = record.value();
    UseCase.Burst burst = event.useCase.burst;
    if (burst == null) {
      context().forward(record);
      return;
    }
    String key = event.collapseKey;
    long nowMs = context().currentSystemTimeMs();
    long offset = context().recordMetadata().orElseThrow().offset();
    Held before = held.get(key);
    if (before == null) {
      makeRoom(event.useCase);
      hold(key, new Held(event, offset, nowMs, nowMs + burst.quietMs()));
      return;
    }
    long dueMs = Math.min(nowMs + burst.quietMs(), before.firstMs() + burst.atMostMs());
    int count = before.newest().count + 1;
    boolean wins = isNewer(event, offset, before);
    Event newest = (wins ? event : before.newest()).standingFor(count);
    hold(key, new Held(newest, wins ? offset : before.offset(), before.firstMs(), dueMs));
  }

  private static boolean isNewer(Event event, long offset, Held than) {
    long otherMs = than.newest().timeMs;
    return event.timeMs == otherMs ? offset > than.offset() : event.timeMs > otherMs;
  }

  private void hold(String key, Held row) {
    held.put(key, row);
    plan(row.newest().useCase, key, row.dueMs());
  }

  private void plan(UseCase useCase, String key, long dueMs) {
    dueOf(useCase).put(key, dueMs);
    queue.add(new Due(dueMs, useCase, key));
  }

  private LinkedHashMap<String, Long> dueOf(UseCase useCase) {
    return due.computeIfAbsent(useCase, any -> new LinkedHashMap<>());
  }

  /** When too many bursts are held, the one that began first is over. */
  private void makeRoom(UseCase useCase) {
    LinkedHashMap<String, Long> all = dueOf(useCase);
    if (all.size() < useCase.burst.keysMax()) return;
    Iterator<String> keys = all.keySet().iterator();
    String oldest = keys.next();
    keys.remove();
    release(oldest);
  }

  private void releaseDue(long nowMs) {
    for (Due top = queue.peek(); top != null && top.dueMs <= nowMs; top = queue.peek()) {
      queue.remove();
      if (dueOf(top.useCase).remove(top.key, top.dueMs)) release(top.key);
    }
  }

  private void release(String key) {
    Event newest = held.delete(key).newest();
    context().forward(new Record<>(newest.memberId, newest, newest.timeMs));
  }
}
