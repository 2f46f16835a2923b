import { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { Record } from '../core/record.ts';
import { defineExpand, type Emit } from '../core/spec.ts';
import type { RowCodec } from '../core/store.ts';
import { dropped, PASSED } from '../core/verdict.ts';

/** What a gateway said (schema Connection). */
interface Connection {
  readonly deviceId: string;
  readonly gatewayId: string;
  readonly connectionId: string;
  readonly action: 'CONNECTED' | 'CLOSED';
  readonly occurredAt: number;
}

/** A row of tables.presence (schema Presence): the connection on which a device is online. */
export interface Presence {
  readonly deviceId: string;
  readonly gatewayId: string;
  readonly connectionId: string;
  /** Offset of the connect record: of two connections the greater is the newer. */
  readonly generation: number;
  readonly connectedAt: number;
}

const SUPERSEDED = dropped('superseded');
const NOT_CURRENT = dropped('not_current');

const ROW_VERSION = 1;

const rows: RowCodec<Presence> = {
  encode: (row) =>
    new ByteWriter(96)
      .int(ROW_VERSION)
      .text(row.deviceId)
      .text(row.gatewayId)
      .text(row.connectionId)
      .int(row.generation)
      .double(row.connectedAt)
      .done(),
  decode(bytes) {
    const from = new ByteReader(bytes);
    const version = from.int();
    if (version !== ROW_VERSION) throw new RangeError(`presence row of version ${version}`);
    const deviceId = from.text();
    const gatewayId = from.text();
    const connectionId = from.text();
    const generation = from.int();
    return { deviceId, gatewayId, connectionId, generation, connectedAt: from.double() };
  },
};

function emitRow(record: Record, deviceId: string, row: Presence | null, emit: Emit): void {
  const out = emit(record);
  out.key = deviceId;
  out.value = row;
}

/** One folding task per partition decides who is online (rule D10). */
export const foldPresence = defineExpand({
  type: 'fold_presence',
  summary: 'Keep the row of the connection on which a device is online in tables.presence.',
  description:
    'Keyed by device. The generation of a connection is the offset of its record, so the order of ' +
    'the log decides between two gateways, not their clocks. A close counts only for its own ' +
    'connection: a device that has moved to another gateway stays online when the old one tells ' +
    'that it is gone (rule D10). Offline is a tombstone.',
  config: {},
  drops: {
    superseded: 'A connect record that is older than the connection known.',
    not_current: 'A close of a connection that is not, or no longer, the current one.',
  },
  isInternal: true,
  example: '- fold_presence: {}',
  rows,
  open(_config, { store }) {
    return (record, emit) => {
      const said: Connection = record.value;
      const { deviceId, gatewayId, connectionId } = said;
      const current = store.get(deviceId);
      if (said.action === 'CLOSED') {
        if (current?.connectionId !== connectionId) return NOT_CURRENT;
        store.delete(deviceId);
        emitRow(record, deviceId, null, emit);
        return PASSED;
      }
      if (current !== undefined && current.generation > record.offset) return SUPERSEDED;
      const generation = record.offset;
      const row = { deviceId, gatewayId, connectionId, generation, connectedAt: said.occurredAt };
      store.put(deviceId, row);
      emitRow(record, deviceId, row, emit);
      return PASSED;
    };
  },
});
