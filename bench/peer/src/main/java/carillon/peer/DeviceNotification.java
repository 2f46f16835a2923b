package carillon.peer;

import org.apache.kafka.common.serialization.Serializer;

/** The value of a lane record: what one device is told of one event. */
record DeviceNotification(String id, Event event, MemberDevices.Device device, int sequence,
    int previous) {
  private static final String[][] LANES = lanes();

  String lane() {
    return LANES[event.priority.ordinal()][device.transport().ordinal()];
  }

  /** Avro by hand, in the order of schemas/notifications/device-notification.avsc. */
  static Serializer<DeviceNotification> serializer(int schemaId) {
    // The sinks of all threads share the serializer.
    ThreadLocal<AvroWriter> writers = ThreadLocal.withInitial(AvroWriter::new);
    return (topic, value) -> value.encode(writers.get().reset().header(schemaId));
  }

  private byte[] encode(AvroWriter out) {
    out.writeString(id)
        .writeString(device.deviceId())
        .writeLong(device.epoch())
        .writeLong(sequence)
        .writeLong(previous)
        .writeString(event.useCase.id)
        .writeLong(event.priority.ordinal())
        .writeLong(event.deadlineMs())
        .writeOptionalString(event.collapseKey)
        .writeLong(event.count)
        .writeLong(event.timeMs)
        .writeLong(AvroReader.schemaIdOf(event.wire))
        .writeBytes(event.wire, AvroReader.HEADER_BYTES, event.wire.length);
    return out.toBytes();
  }

  private static String[][] lanes() {
    String[][] names = new String[Priority.ALL.length][Transport.ALL.length];
    for (Priority priority : Priority.ALL) {
      for (Transport transport : Transport.ALL) {
        names[priority.ordinal()][transport.ordinal()] =
            "notifications." + priority.text + "." + transport.text;
      }
    }
    return names;
  }
}
