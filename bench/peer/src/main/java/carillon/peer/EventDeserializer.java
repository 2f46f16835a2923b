package carillon.peer;

import java.util.Map;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;

/**
 * Events by their topic, decoded by hand: the fields that the steps read, in the order of
 * schemas/events/*.avsc, the others skipped. Avro's own reader resolves and allocates all of them.
 * Stateless, as the tasks of all threads share it.
 */
final class EventDeserializer implements Deserializer<Event> {
  private static final int MATURITY_LEVEL_CHANGED = 3;

  private final Map<String, Integer> schemaIds;

  EventDeserializer(Map<String, Integer> schemaIds) {
    this.schemaIds = schemaIds;
  }

  @Override
  public Event deserialize(String topic, byte[] wire) {
    if (wire == null) return null;
    return decode(UseCase.ofTopic(topic), wire, 1);
  }

  Event decode(UseCase useCase, byte[] wire, int count) {
    int schemaId = AvroReader.schemaIdOf(wire);
    if (schemaIds.get(useCase.schema) != schemaId) {
      throw new SerializationException(
          useCase.topic + ": schema id " + schemaId + " is not that of " + useCase.schema);
    }
    AvroReader in = new AvroReader(wire, AvroReader.HEADER_BYTES);
    String eventId = in.readString();
    String memberId = in.readString();
    String profileId = null;
    String part = null;
    String deviceId = null;
    Priority priority = useCase.priority;
    switch (useCase) {
      case VIEWING_ACTIVITY -> {
        profileId = in.readString();
        part = in.readString();
        deviceId = in.readOptionalString();
        in.readInt(); // kind
        in.readInt(); // positionSeconds
      }
      case MY_LIST_UPDATE -> {
        profileId = in.readString();
        part = in.readString();
        in.readInt(); // action
        deviceId = in.readOptionalString();
      }
      case RECOMMENDATION_REFRESH -> {
        profileId = in.readString();
        part = in.readString();
        in.readInt(); // reason
      }
      case PLAN_CHANGE -> {
        in.skipOptionalString(); // planFrom
        in.skipString(); // planTo
        in.readInt(); // streamsMax
      }
      case PROFILE_CHANGE -> {
        in.skipString(); // profileId
        if (in.readInt() == MATURITY_LEVEL_CHANGED) priority = Priority.CRITICAL;
        in.skipOptionalString(); // name
        if (in.readInt() != 0) in.readInt(); // maturityLevel
        in.skipOptionalString(); // deviceId
      }
      case DIAGNOSTIC_SIGNAL -> {
        in.readInt(); // command
        if (in.readBoolean()) priority = Priority.CRITICAL;
      }
    }
    long timeMs = in.readLong();
    String collapseKey = part == null ? null : useCase.id + ':' + profileId + ':' + part;
    return new Event(useCase, priority, eventId, memberId, deviceId, collapseKey, timeMs, wire,
        count);
  }
}
