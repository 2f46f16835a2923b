package carillon.oracle;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.ValueJoiner;

/**
 * Two tables, {@code left} and {@code right}. {@code kind} {@code "table-pair"}: joined by their
 * keys, {@code type} {@code "inner"}, {@code "left"} or {@code "outer"}. {@code "foreign-join"}: by
 * the key of the right row that a left row names, {@code type} {@code "inner"} or {@code "left"}. A
 * value of the left has a name and that key, or null; one of the right has a name. An answer is
 * {@code [key, left, right]}, and {@code [key]} where the row is deleted.
 */
final class TablePairs implements Program {
  @Override
  public void build(final JsonNode program, final StreamsBuilder builder) {
    final KTable<String, String> left = builder.table("left");
    final KTable<String, String> right = builder.table("right");
    final String type = program.get("type").asText();
    final boolean isForeign = program.get("kind").asText().equals("foreign-join");
    (isForeign ? foreign(type, left, right) : pair(type, left, right))
        .toStream()
        .mapValues(TablePairs::told)
        .to(Oracle.OUT);
  }

  private static KTable<String, String> pair(
      final String type, final KTable<String, String> left, final KTable<String, String> right) {
    switch (type) {
      case "inner":
        return left.join(right, PAIR);
      case "left":
        return left.leftJoin(right, PAIR);
      default:
        return left.outerJoin(right, PAIR);
    }
  }

  private static KTable<String, String> foreign(
      final String type, final KTable<String, String> left, final KTable<String, String> right) {
    return type.equals("inner")
        ? left.join(right, TablePairs::foreignKey, PAIR)
        : left.leftJoin(right, TablePairs::foreignKey, PAIR);
  }

  private static final ValueJoiner<String, String, String> PAIR =
      (left, right) -> Oracle.JSON.createArrayNode().add(part(left, 0)).add(part(right, 0)).toString();

  /** With the key before it; what is deleted stays deleted. */
  private static String told(final String key, final String pair) {
    if (pair == null) return null;
    final ArrayNode answer = Oracle.JSON.createArrayNode().add(key);
    return answer.addAll((ArrayNode) read(pair)).toString();
  }

  private static String foreignKey(final String left) {
    final JsonNode key = part(left, 1);
    return key.isNull() ? null : key.asText();
  }

  private static JsonNode part(final String value, final int n) {
    return value == null ? Oracle.JSON.nullNode() : read(value).get("of").get(n);
  }

  private static JsonNode read(final String json) {
    try {
      return Oracle.JSON.readTree(json);
    } catch (final JsonProcessingException error) {
      throw new IllegalArgumentException(error);
    }
  }
}
