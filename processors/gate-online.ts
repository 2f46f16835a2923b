import { defineEach, table } from '../core/spec.ts';
import { dropped, PASSED } from '../core/verdict.ts';

const OFFLINE = dropped('offline');

/** RENO's online-device check: no push is tried for a device that is not there. */
export const gateOnline = defineEach({
  type: 'gate_online',
  summary: 'Drop notifications for devices that are not connected; the inbox has them.',
  description:
    "Looks the record's key, a device id, up in the presence table, and hands the row to the sink, " +
    'which needs it to find the gateway. A device that connects between this gate and its gateway ' +
    'fills from its inbox (rule D10).',
  config: {
    table: table('The table of connections by device (schema Presence).', 'Presence'),
  },
  drops: { offline: 'The device had no connection when its notification came by.' },
  joinsFor: 'websocket',
  example: '- gate_online: { table: presence }',
  open({ table: name }, context) {
    const presence = context.table(name);
    return (record) => {
      const { key } = record;
      const row = key === null ? undefined : presence.get(key);
      if (row === undefined || row === null) return OFFLINE;
      record.joined = row;
      return PASSED;
    };
  },
});
