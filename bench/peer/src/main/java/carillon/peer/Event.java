package carillon.peer;

/** What the steps read of an event, and its bytes as they came. */
final class Event {
  final UseCase useCase;
  final Priority priority;
  final String eventId;
  final String memberId;
  /** The device that caused it; null: none. */
  final String deviceId;
  /** Use case and the fields by which events are one burst; null: they never are. */
  final String collapseKey;
  /** Event time. */
  final long timeMs;
  /** With the header of Confluent's wire format. */
  final byte[] wire;
  /** How many events it stands for; more than 1 after {@link Coalesce}. */
  final int count;

  Event(UseCase useCase, Priority priority, String eventId, String memberId, String deviceId,
      String collapseKey, long timeMs, byte[] wire, int count) {
    this.useCase = useCase;
    this.priority = priority;
    this.eventId = eventId;
    this.memberId = memberId;
    this.deviceId = deviceId;
    this.collapseKey = collapseKey;
    this.timeMs = timeMs;
    this.wire = wire;
    this.count = count;
  }

  Event standingFor(int events) {
    return new Event(useCase, priority, eventId, memberId, deviceId, collapseKey, timeMs, wire,
        events);
  }

  /** 0: never. */
  long deadlineMs() {
    return useCase.maxAgeMs == UseCase.NO_AGE ? 0 : timeMs + useCase.maxAgeMs;
  }
}
