package carillon.peer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** The numbers of a member's devices in one priority: one row, so that an event costs one write. */
final class MemberNumbers {
  /** Numbers are dense for a device and its epoch; a new epoch begins at 1. */
  static final class DeviceNumbers {
    final String deviceId;
    int epoch;
    int last;
    final int[] lastInLane;

    DeviceNumbers(String deviceId, int epoch, int last, int[] lastInLane) {
      this.deviceId = deviceId;
      this.epoch = epoch;
      this.last = last;
      this.lastInLane = lastInLane;
    }
  }

  static final Serde<MemberNumbers> SERDE = new Serde<>() {
    // Tasks of all threads share the serde.
    private final ThreadLocal<AvroWriter> writers = ThreadLocal.withInitial(AvroWriter::new);

    @Override
    public Serializer<MemberNumbers> serializer() {
      return (topic, row) -> row == null ? null : row.encode(writers.get().reset());
    }

    @Override
    public Deserializer<MemberNumbers> deserializer() {
      return (topic, bytes) -> bytes == null ? null : decode(bytes);
    }
  };

  private final List<DeviceNumbers> devices = new ArrayList<>(4);

  /** Null: the row has numbers of a newer epoch, so that this device's registration is over. */
  DeviceNumbers of(String deviceId, int epoch) {
    for (DeviceNumbers one : devices) {
      if (!one.deviceId.equals(deviceId)) continue;
      if (one.epoch > epoch) return null;
      if (one.epoch < epoch) restart(one, epoch);
      return one;
    }
    int lanes = Transport.ALL.length;
    DeviceNumbers fresh = new DeviceNumbers(deviceId, epoch, 0, new int[lanes]);
    devices.add(fresh);
    return fresh;
  }

  private static void restart(DeviceNumbers one, int epoch) {
    one.epoch = epoch;
    one.last = 0;
    Arrays.fill(one.lastInLane, 0);
  }

  private byte[] encode(AvroWriter out) {
    out.writeLong(devices.size());
    for (DeviceNumbers one : devices) {
      out.writeString(one.deviceId).writeLong(one.epoch).writeLong(one.last);
      for (int last : one.lastInLane) out.writeLong(last);
    }
    return out.toBytes();
  }

  private static MemberNumbers decode(byte[] bytes) {
    AvroReader in = new AvroReader(bytes, 0);
    MemberNumbers row = new MemberNumbers();
    for (int left = in.readInt(); left > 0; left--) {
      String deviceId = in.readString();
      int epoch = in.readInt();
      int last = in.readInt();
      int[] lastInLane = new int[Transport.ALL.length];
      for (int lane = 0; lane < lastInLane.length; lane++) lastInLane[lane] = in.readInt();
      row.devices.add(new DeviceNumbers(deviceId, epoch, last, lastInLane));
    }
    return row;
  }
}
