package carillon.oracle;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Branched;
import org.apache.kafka.streams.kstream.BranchedKStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Named;

/**
 * {@code steps}: {@code ["filter", min]}, {@code ["map", add]}, {@code ["flat_map"]}, {@code
 * ["rekey"]}, in order. {@code branch}: the least x of each branch, or null; {@code rest}: whether
 * what none of them takes is one more. A value is {@code [x, to, xs]}, an answer {@code [key, branch,
 * x]}: branches are merged again.
 */
final class Stateless implements Program {
  @Override
  public void build(final JsonNode program, final StreamsBuilder builder) {
    KStream<String, String> stream =
        builder.<String, String>stream("in").filter((key, value) -> value != null);
    stream = stream.mapValues(value -> read(value).get("of").toString());
    for (final JsonNode step : program.get("steps")) stream = with(stream, step);
    if (program.get("branch").isNull()) answers(stream, "all").to(Oracle.OUT);
    else branches(stream, program).to(Oracle.OUT);
  }

  private static KStream<String, String> with(
      final KStream<String, String> stream, final JsonNode step) {
    final long by = step.has(1) ? step.get(1).asLong() : 0;
    switch (step.get(0).asText()) {
      case "filter":
        return stream.filter((key, value) -> x(value) > by);
      case "map":
        return stream.mapValues(value -> withX(value, x(value) + by));
      case "flat_map":
        return stream.flatMapValues(
            value -> {
              final List<String> each = new ArrayList<>();
              for (final JsonNode one : read(value).get(2)) each.add(withX(value, one.asLong()));
              return each;
            });
      default:
        return stream
            .selectKey((key, value) -> read(value).get(1).isNull() ? null : read(value).get(1).asText())
            .repartition();
    }
  }

  private static KStream<String, String> branches(
      final KStream<String, String> stream, final JsonNode program) {
    BranchedKStream<String, String> split = stream.split(Named.as("b"));
    for (final JsonNode least : program.get("branch")) {
      final long min = least.asLong();
      split = split.branch((key, value) -> x(value) >= min, Branched.as(least.asText()));
    }
    final Map<String, KStream<String, String>> all =
        program.get("rest").asBoolean()
            ? split.defaultBranch(Branched.as("rest"))
            : split.noDefaultBranch();
    KStream<String, String> merged = null;
    for (final Map.Entry<String, KStream<String, String>> branch : all.entrySet()) {
      final KStream<String, String> one = answers(branch.getValue(), branch.getKey().substring(1));
      merged = merged == null ? one : merged.merge(one);
    }
    return merged;
  }

  private static KStream<String, String> answers(
      final KStream<String, String> stream, final String branch) {
    return stream.mapValues(
        (key, value) -> Oracle.JSON.createArrayNode().add(key).add(branch).add(x(value)).toString());
  }

  private static long x(final String value) {
    return read(value).get(0).asLong();
  }

  private static String withX(final String value, final long x) {
    final ArrayNode changed = (ArrayNode) read(value);
    changed.set(0, x);
    return changed.toString();
  }

  private static JsonNode read(final String text) {
    try {
      return Oracle.JSON.readTree(text);
    } catch (final JsonProcessingException error) {
      throw new IllegalArgumentException(error);
    }
  }
}
