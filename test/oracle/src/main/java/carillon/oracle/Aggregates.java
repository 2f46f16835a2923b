package carillon.oracle;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.time.Duration;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Aggregator;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.Suppressed.BufferConfig;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/**
 * {@code window}: {@code ["none"]}, {@code ["tumbling", size]}, {@code ["hopping", size, advance]},
 * {@code ["sliding", size]} or {@code ["session", gap]}; {@code grace}; {@code emit}: {@code "updates"}
 * or {@code "final"}. A value is a number or null. An answer is {@code [key, start, end, values]}, start
 * and end null without windows, and {@code null} in place of the values for a tombstone.
 */
final class Aggregates implements Program {
  private static final Grouped<String, String> TEXTS =
      Grouped.with(Serdes.String(), Serdes.String());
  /** Far longer than any window of a program is. */
  private static final long LONG_MS = Duration.ofDays(400).toMillis();

  @Override
  public void build(final JsonNode program, final StreamsBuilder builder) {
    // Carillon has no events without a value; and of those without a key both do the same.
    final KGroupedStream<String, String> grouped =
        builder.<String, String>stream("in").filter((key, value) -> value != null).groupByKey(TEXTS);
    final JsonNode window = program.get("window");
    final String kind = window.get(0).asText();
    if (kind.equals("none")) {
      grouped
          .aggregate(Totals::empty, ADD, Materialized.as(Stores.inMemoryKeyValueStore("s")))
          .toStream()
          .mapValues((key, totals) -> answer(key, null, null, totals))
          .to(Oracle.OUT);
      return;
    }
    final KTable<Windowed<String>, String> table = windowed(grouped, program, kind);
    final boolean isFinal = program.get("emit").asText().equals("final");
    final KTable<Windowed<String>, String> told =
        isFinal
            ? table.suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
            : table;
    final long base = program.get("base").asLong();
    told.toStream()
        .map(
            (of, totals) -> {
              final long start = of.window().start() - base;
              return KeyValue.pair(
                  of.key(), answer(of.key(), start, of.window().end() - base, totals));
            })
        .to(Oracle.OUT);
  }

  private static KTable<Windowed<String>, String> windowed(
      final KGroupedStream<String, String> grouped, final JsonNode program, final String kind) {
    final JsonNode window = program.get("window");
    final Duration size = Duration.ofMillis(window.get(1).asLong());
    final Duration grace = Duration.ofMillis(program.get("grace").asLong());
    if (kind.equals("session")) {
      // One more than the least: else a session that still takes records is not found any more.
      final Duration retention = size.plus(grace).plusMillis(1);
      return grouped
          .windowedBy(SessionWindows.ofInactivityGapAndGrace(size, grace))
          .aggregate(
              Totals::empty,
              ADD,
              (key, one, other) -> Totals.of(one).merge(Totals.of(other)).text(),
              Materialized.<String, String>as(Stores.inMemorySessionStore("s", retention))
                  .withKeySerde(Serdes.String())
                  .withValueSerde(Serdes.String())
                  .withCachingDisabled());
    }
    final Materialized<String, String, WindowStore<Bytes, byte[]>> store =
            Materialized.<String, String>as(
                    Stores.inMemoryWindowStore("s", Duration.ofMillis(LONG_MS), size, false))
                .withKeySerde(Serdes.String())
                .withValueSerde(Serdes.String())
                .withCachingDisabled();
    if (kind.equals("sliding")) {
      return grouped
          .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(size, grace))
          .aggregate(Totals::empty, ADD, store);
    }
    final TimeWindows windows = TimeWindows.ofSizeAndGrace(size, grace);
    final boolean isHopping = kind.equals("hopping");
    return grouped
        .windowedBy(
            isHopping ? windows.advanceBy(Duration.ofMillis(window.get(2).asLong())) : windows)
        .aggregate(Totals::empty, ADD, store);
  }

  private static final Aggregator<String, String, String> ADD =
      (key, value, totals) -> {
        try {
          final JsonNode of = Oracle.JSON.readTree(value);
          return Totals.of(totals).add(of.get("of").get(0), of.get(Times.AT).asLong()).text();
        } catch (final JsonProcessingException error) {
          throw new IllegalArgumentException(error);
        }
      };

  private static String answer(
      final String key, final Long start, final Long end, final String totals) {
    final ArrayNode answer = Oracle.JSON.createArrayNode().add(key).add(start).add(end);
    if (totals == null) answer.addNull();
    else answer.add(Totals.of(totals).results());
    return answer.toString();
  }
}
