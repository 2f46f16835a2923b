package carillon.oracle;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;

/**
 * Count, sum, least, greatest, first and last (by event time) of what has come; null is only counted.
 * Kept as the text of a JSON array, so that what a window has is never changed in place.
 */
record Totals(
    long count, Long sum, Long min, Long max, Long first, long firstAt, Long last, long lastAt) {
  private static final Totals EMPTY = new Totals(0, null, null, null, null, 0, null, 0);

  static String empty() {
    return EMPTY.text();
  }

  static Totals of(final String text) {
    try {
      final JsonNode of = Oracle.JSON.readTree(text);
      return new Totals(
          of.get(0).asLong(),
          number(of.get(1)),
          number(of.get(2)),
          number(of.get(3)),
          number(of.get(4)),
          of.get(5).asLong(),
          number(of.get(6)),
          of.get(7).asLong());
    } catch (final JsonProcessingException error) {
      throw new IllegalArgumentException(error);
    }
  }

  Totals add(final JsonNode value, final long at) {
    if (value.isNull()) {
      return new Totals(count + 1, sum, min, max, first, firstAt, last, lastAt);
    }
    final long x = value.asLong();
    return merge(new Totals(1, x, x, x, x, at, x, at));
  }

  Totals merge(final Totals later) {
    final long counts = count + later.count;
    if (sum == null) {
      return new Totals(
          counts, later.sum, later.min, later.max, later.first, later.firstAt, later.last,
          later.lastAt);
    }
    if (later.sum == null) {
      return new Totals(counts, sum, min, max, first, firstAt, last, lastAt);
    }
    final boolean isEarlier = later.firstAt < firstAt;
    final boolean isLater = later.lastAt >= lastAt;
    return new Totals(
        counts,
        sum + later.sum,
        Math.min(min, later.min),
        Math.max(max, later.max),
        isEarlier ? later.first : first,
        isEarlier ? later.firstAt : firstAt,
        isLater ? later.last : last,
        isLater ? later.lastAt : lastAt);
  }

  String text() {
    return Oracle.JSON
        .createArrayNode()
        .add(count)
        .add(sum)
        .add(min)
        .add(max)
        .add(first)
        .add(firstAt)
        .add(last)
        .add(lastAt)
        .toString();
  }

  ArrayNode results() {
    return Oracle.JSON.createArrayNode().add(count).add(sum).add(min).add(max).add(first).add(last);
  }

  private static Long number(final JsonNode of) {
    return of.isNull() ? null : of.asLong();
  }
}
