/** All messages; what Kafka's classes make of them stands in bytes.json. */
import { GROUP_MESSAGES } from './groups.ts';
import type { MessageRow } from './message.ts';
import { TOPIC_MESSAGES } from './topics.ts';
import { TRANSACTION_MESSAGES } from './transactions.ts';

const MESSAGES: readonly MessageRow[] = [
  ...TOPIC_MESSAGES,
  ...TRANSACTION_MESSAGES,
  ...GROUP_MESSAGES,
];

/** One line a message and version. */
export function* lines(): Generator<{ row: MessageRow; version: number; line: string }> {
  for (const row of MESSAGES) {
    const { api, kind, message } = row;
    for (let version = api.min; version <= api.max; version++) {
      const line = `${kind} ${api.name} ${version} ${JSON.stringify(message(version))}`;
      yield { row, version, line };
    }
  }
}
