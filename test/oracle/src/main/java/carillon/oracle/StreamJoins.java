package carillon.oracle;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.time.Duration;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.ValueJoinerWithKey;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;

/**
 * {@code type}: {@code "inner"}, {@code "left"} or {@code "outer"}; {@code before}, {@code after} and
 * {@code grace}. Records of {@code own} and {@code other} have a name as value; an answer is {@code
 * [key, own, other]}, null for the one that is missing.
 */
final class StreamJoins implements Program {
  private static final StreamJoined<String, String, String> STORES =
      StreamJoined.with(Serdes.String(), Serdes.String(), Serdes.String())
          .withDslStoreSuppliers(BuiltInDslStoreSuppliers.IN_MEMORY);

  @Override
  public void build(final JsonNode program, final StreamsBuilder builder) {
    final KStream<String, String> own = stream(builder, "own");
    final KStream<String, String> other = stream(builder, "other");
    final JoinWindows windows =
        JoinWindows.ofTimeDifferenceAndGrace(
                Duration.ofMillis(program.get("before").asLong()),
                Duration.ofMillis(program.get("grace").asLong()))
            .after(Duration.ofMillis(program.get("after").asLong()));
    joined(program.get("type").asText(), own, other, windows).to(Oracle.OUT);
  }

  private static KStream<String, String> joined(
      final String type,
      final KStream<String, String> own,
      final KStream<String, String> other,
      final JoinWindows windows) {
    switch (type) {
      case "inner":
        return own.join(other, PAIR, windows, STORES);
      case "left":
        return own.leftJoin(other, PAIR, windows, STORES);
      default:
        return own.outerJoin(other, PAIR, windows, STORES);
    }
  }

  /** Carillon has no events without a key or a value. */
  static KStream<String, String> stream(final StreamsBuilder builder, final String topic) {
    return builder.<String, String>stream(topic)
        .filter((key, value) -> key != null && value != null);
  }

  static final ValueJoinerWithKey<String, String, String, String> PAIR =
      (key, own, other) -> {
        final ArrayNode pair = Oracle.JSON.createArrayNode().add(key);
        return pair.add(name(own)).add(name(other)).toString();
      };

  private static JsonNode name(final String value) {
    if (value == null) return Oracle.JSON.nullNode();
    try {
      return Oracle.JSON.readTree(value).get("of").get(0);
    } catch (final JsonProcessingException error) {
      throw new IllegalArgumentException(error);
    }
  }
}
