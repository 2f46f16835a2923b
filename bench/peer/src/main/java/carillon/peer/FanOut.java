package carillon.peer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.TimestampedKeyValueStore;
import org.apache.kafka.streams.state.ValueAndTimestamp;

/**
 * From a member's event to one numbered notification for each of the member's devices that is to be
 * told. Fan-out and numbers are one processor, so that a member's row of numbers is read and
 * written once for an event.
 */
final class FanOut extends ContextualProcessor<String, Event, String, DeviceNotification> {
  static final String DEVICES = "devices";
  static final String NUMBERS = "numbers";
  private static final int DEVICES_MAX = 64;

  private final NotificationId ids = new NotificationId();
  private TimestampedKeyValueStore<String, MemberDevices> devices;
  private KeyValueStore<String, MemberNumbers> numbers;

  @Override
  public void init(ProcessorContext<String, DeviceNotification> context) {
    super.init(context);
    devices = context.getStateStore(DEVICES);
    numbers = context.getStateStore(NUMBERS);
  }

  @Override
  public void process(Record<String, Event> record) {
    Event event = record.value();
    ValueAndTimestamp<MemberDevices> row = devices.get(event.memberId);
    if (row == null) return;
    List<MemberDevices.Device> told = new ArrayList<>(4);
    for (MemberDevices.Device device : row.value().devices()) {
      if (isFor(event, device)) told.add(device);
    }
    if (told.isEmpty()) return;
    if (told.size() > DEVICES_MAX) told = mostRecent(told);
    String key = event.priority.ordinal() + event.memberId;
    MemberNumbers before = numbers.get(key);
    MemberNumbers ofMember = before == null ? new MemberNumbers() : before;
    for (MemberDevices.Device device : told) {
      MemberNumbers.DeviceNumbers given = ofMember.of(device.deviceId(), device.epoch());
      if (given == null || device.transport() == null) continue;
      int lane = device.transport().ordinal();
      String id = ids.of(event.useCase.id, device.deviceId(), event.eventId);
      int sequence = given.last + 1;
      DeviceNotification notification =
          new DeviceNotification(id, event, device, sequence, given.lastInLane[lane]);
      given.last = sequence;
      given.lastInLane[lane] = sequence;
      context().forward(new Record<>(device.deviceId(), notification, event.timeMs));
    }
    numbers.put(key, ofMember);
  }

  private static boolean isFor(Event event, MemberDevices.Device device) {
    if (!event.useCase.classes.contains(device.deviceClass())) return false;
    return !event.useCase.sparesCause || !device.deviceId().equals(event.deviceId);
  }

  /** Those that changed last, in the order of the row. */
  private static List<MemberDevices.Device> mostRecent(List<MemberDevices.Device> told) {
    Comparator<MemberDevices.Device> byAge =
        Comparator.comparingLong(MemberDevices.Device::updatedAt).reversed()
            .thenComparing(MemberDevices.Device::deviceId);
    List<MemberDevices.Device> kept = told.stream().sorted(byAge).limit(DEVICES_MAX).toList();
    return told.stream().filter(kept::contains).toList();
  }
}
