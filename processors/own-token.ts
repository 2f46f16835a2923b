import { ByteReader, ByteWriter } from '../core/bytes.ts';
import { tokenDied } from '../core/registration.ts';
import { defineExpand } from '../core/spec.ts';
import type { RowCodec } from '../core/store.ts';
import { dropped, PASSED } from '../core/verdict.ts';

/** What registration says of a token (schema PushToken). */
export interface PushToken {
  /** SHA-256 of kind and token: tokens are secrets, and keys are seen. */
  readonly tokenHash: string;
  readonly token: string;
  readonly deviceId: string;
  readonly action: 'TAKEN' | 'GIVEN_UP';
  readonly registeredAt: number;
  readonly occurredAt: number;
}

interface Holder {
  readonly deviceId: string;
  readonly registeredAt: number;
}

const NOT_HELD = dropped('not_held');
const ROW_VERSION = 1;

const rows: RowCodec<Holder> = {
  encode: ({ deviceId, registeredAt }) =>
    new ByteWriter(64).int(ROW_VERSION).text(deviceId).double(registeredAt).done(),
  decode(bytes) {
    const from = new ByteReader(bytes);
    const version = from.int();
    if (version !== ROW_VERSION) throw new RangeError(`token row of version ${version}`);
    return { deviceId: from.text(), registeredAt: from.double() };
  },
};

/** Keeps a push token with one device: a phone that has a new owner is told the new one's only. */
export const ownToken = defineExpand({
  type: 'own_token',
  summary: 'Know whose each push token is, and take it from the device that had it before.',
  description:
    'Keyed by the hash of the token. It belongs to the last device that registered it (a phone ' +
    'handed on, an app installed again): the one before it loses it at once, by a TOKEN_DIED in ' +
    '`events.device-registration`. A token that its device has given up has no row.',
  config: {},
  drops: { not_held: 'A token that is given up is another device’s by now.' },
  example: '- own_token: {}',
  rows,
  open(_config, { store }) {
    return (record, emit) => {
      const said: PushToken = record.value;
      const { tokenHash, deviceId, registeredAt, occurredAt } = said;
      const before = store.get(tokenHash);
      if (said.action === 'GIVEN_UP') {
        if (before?.deviceId !== deviceId) return NOT_HELD;
        store.delete(tokenHash);
        return PASSED;
      }
      store.put(tokenHash, { deviceId, registeredAt });
      if (before === undefined || before.deviceId === deviceId) return PASSED;
      const out = emit(record);
      out.key = before.deviceId;
      // Whatever the former one said of when it got it; what it registers after this, stays.
      const deadBefore = Math.max(before.registeredAt, occurredAt) + 1;
      out.value = tokenDied(before.deviceId, said.token, deadBefore, occurredAt);
      return PASSED;
    };
  },
});
