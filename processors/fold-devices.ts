import { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { MemberDevice, MemberDevices, Transport } from '../core/device.ts';
import type { Record } from '../core/record.ts';
import { count, defineExpand, type Emit } from '../core/spec.ts';
import type { RowCodec } from '../core/store.ts';
import { dropped, PASSED } from '../core/verdict.ts';
import type { DeviceChange } from './register-device.ts';

const SUPERSEDED = dropped('superseded');
const NOT_PRESENT = dropped('not_present');

const ROW_VERSION = 1;

const rows: RowCodec<MemberDevices> = {
  encode(row) {
    const to = new ByteWriter(128).int(ROW_VERSION).text(row.memberId).int(row.devices.length);
    for (const device of row.devices) {
      to.text(device.deviceId).int(device.epoch).text(device.class).double(device.updatedAt);
      to.int(device.transports.length);
      for (const transport of device.transports) to.text(transport);
    }
    return to.done();
  },
  decode(bytes) {
    const from = new ByteReader(bytes);
    const version = from.int();
    if (version !== ROW_VERSION) throw new RangeError(`member row of version ${version}`);
    const memberId = from.text();
    const devices: MemberDevice[] = [];
    for (let rest = from.int(); rest > 0; rest--) {
      const deviceId = from.text();
      const epoch = from.int();
      const deviceClass = from.text();
      const updatedAt = from.double();
      const transports: Transport[] = [];
      for (let more = from.int(); more > 0; more--) transports.push(from.text() as Transport);
      devices.push({ deviceId, epoch, class: deviceClass, transports, updatedAt });
    }
    return { memberId, devices };
  },
};

function deviceOf(change: DeviceChange): MemberDevice {
  const { deviceId, epoch, class: deviceClass, transports, updatedAt } = change;
  return { deviceId, epoch, class: deviceClass, transports, updatedAt };
}

/** The list with the device put in its place, or at the end. */
function withDevice(devices: readonly MemberDevice[], device: MemberDevice): MemberDevice[] {
  const at = devices.findIndex(({ deviceId }) => deviceId === device.deviceId);
  return at < 0 ? [...devices, device] : devices.with(at, device);
}

function withoutLeastRecent(devices: readonly MemberDevice[], spared: string): MemberDevice[] {
  let least: MemberDevice | undefined;
  for (const device of devices) {
    if (device.deviceId === spared) continue;
    if (least === undefined || device.updatedAt < least.updatedAt) least = device;
  }
  return devices.filter((device) => device !== least);
}

function emitRow(record: Record, memberId: string, row: MemberDevices | null, emit: Emit): void {
  const out = emit(record);
  out.key = memberId;
  out.value = row;
}

/** Gathers the devices of a member into one row (rule D4, second hop). */
export const foldDevices = defineExpand({
  type: 'fold_devices',
  summary: "Keep the row of a member's devices in tables.devices.",
  description:
    'Keyed by member. A PUT of an older epoch than the one that is known is superseded; a REMOVED ' +
    'counts only for its own epoch and those before it, so that a device that has come back stays, ' +
    'in whichever order the two members are told. A member without devices has no row (a tombstone).',
  config: {
    devices_max: count(
      'Devices remembered per member; over it the one that changed longest ago is forgotten, and counted.',
      256,
    ),
  },
  drops: {
    superseded: 'The device is known to this member in a later epoch.',
    not_present: 'A removal of a device that the member does not have.',
  },
  counts: { forgotten: 'Devices forgotten because of `devices_max`.' },
  isInternal: true,
  example: '- fold_devices: { devices_max: 256 }',
  rows,
  open({ devices_max }, { store, count: counted }) {
    return (record, emit) => {
      const change: DeviceChange = record.value;
      const { memberId, deviceId } = change;
      const before = store.get(memberId)?.devices ?? [];
      const known = before.find((device) => device.deviceId === deviceId);
      if (known !== undefined && known.epoch > change.epoch) return SUPERSEDED;

      let devices: MemberDevice[];
      if (change.action === 'PUT') {
        devices = withDevice(before, deviceOf(change));
        if (devices.length > devices_max) {
          devices = withoutLeastRecent(devices, deviceId);
          counted('forgotten');
        }
      } else {
        if (known === undefined) return NOT_PRESENT;
        devices = before.filter((device) => device !== known);
      }

      if (devices.length === 0) {
        store.delete(memberId);
        emitRow(record, memberId, null, emit);
      } else {
        const row: MemberDevices = { memberId, devices };
        store.put(memberId, row);
        emitRow(record, memberId, row, emit);
      }
      return PASSED;
    };
  },
});
