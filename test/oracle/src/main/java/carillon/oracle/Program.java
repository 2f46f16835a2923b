package carillon.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import org.apache.kafka.streams.StreamsBuilder;

/**
 * One kind of programs. It makes a topology of a description; its records come in by topics with
 * texts as keys and JSON as values, and what it answers goes to the topic {@link Oracle#OUT} as JSON
 * arrays.
 */
interface Program {
  void build(JsonNode program, StreamsBuilder builder);
}
