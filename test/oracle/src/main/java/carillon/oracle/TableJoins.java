package carillon.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;

/**
 * {@code type}: {@code "inner"} or {@code "left"}. Records of {@code own} meet the row of {@code
 * table}, a record of which without a value deletes its row. Values and answers are as for streams.
 */
final class TableJoins implements Program {
  @Override
  public void build(final JsonNode program, final StreamsBuilder builder) {
    final KTable<String, String> table = builder.table("table");
    final KStream<String, String> own = StreamJoins.stream(builder, "own");
    final boolean isLeft = program.get("type").asText().equals("left");
    (isLeft ? own.leftJoin(table, StreamJoins.PAIR) : own.join(table, StreamJoins.PAIR))
        .to(Oracle.OUT);
  }
}
