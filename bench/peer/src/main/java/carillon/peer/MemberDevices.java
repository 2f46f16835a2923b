package carillon.peer;

import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** A row of tables.devices. It keeps its bytes, so that the store can be written without encoding. */
record MemberDevices(List<Device> devices, byte[] wire) {

  record Device(String deviceId, int epoch, String deviceClass, Transport transport,
      long updatedAt) {}

  static final Serde<MemberDevices> SERDE = new Serde<>() {
    @Override
    public Serializer<MemberDevices> serializer() {
      return (topic, row) -> row == null ? null : row.wire;
    }

    @Override
    public Deserializer<MemberDevices> deserializer() {
      return (topic, wire) -> wire == null ? null : decode(wire);
    }
  };

  private static MemberDevices decode(byte[] wire) {
    AvroReader in = new AvroReader(wire, AvroReader.HEADER_BYTES);
    in.skipString(); // memberId
    List<Device> devices = new ArrayList<>(4);
    for (int block = in.readInt(); block != 0; block = in.readInt()) {
      for (int left = sizeOf(block, in); left > 0; left--) {
        String deviceId = in.readString();
        int epoch = in.readInt();
        String deviceClass = in.readString();
        Transport best = firstTransport(in);
        devices.add(new Device(deviceId, epoch, deviceClass, best, in.readLong()));
      }
    }
    return new MemberDevices(devices, wire);
  }

  /** The lanes take all transports, so that a device's first one is the one that is used. */
  private static Transport firstTransport(AvroReader in) {
    Transport first = null;
    for (int block = in.readInt(); block != 0; block = in.readInt()) {
      for (int left = sizeOf(block, in); left > 0; left--) {
        Transport transport = Transport.ALL[in.readInt()];
        if (first == null) first = transport;
      }
    }
    return first;
  }

  /** A negative size of a block is followed by its bytes (Avro 1.12, arrays). */
  private static int sizeOf(int block, AvroReader in) {
    if (block > 0) return block;
    in.readLong();
    return -block;
  }
}
