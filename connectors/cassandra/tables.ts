/**
 * The inbox in CQL. Rows of a device lie together and in reading order, so a pull is one slice of
 * one partition. Every row has its own time to live; windows of a day are dropped whole when all of
 * their rows have expired.
 */

export const INBOX = 'inbox';
/** A row per device and writer, merged when read: nobody reads before a write (rule D5). */
export const ACKNOWLEDGEMENTS = 'acknowledged_by';
export const tableNames: readonly string[] = [INBOX, ACKNOWLEDGEMENTS];

/** A device that has said nothing for a year is told what its inbox still has. */
const ACKNOWLEDGEMENT_TTL_S = 365 * 24 * 3_600;

export function createKeyspace(keyspace: string, copies: Readonly<Record<string, number>>): string {
  const places = Object.entries(copies).map(([name, count]) => `'${name}': ${count}`);
  return (
    `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = ` +
    `{'class': 'NetworkTopologyStrategy', ${places.join(', ')}}`
  );
}

export const TABLES: readonly ((keyspace: string) => string)[] = [
  (keyspace) => `CREATE TABLE IF NOT EXISTS ${keyspace}.${INBOX} (
    device_id text,
    epoch int,
    priority tinyint,
    sequence int,
    id text,
    previous int,
    use_case text,
    deadline bigint,
    collapse_key text,
    count int,
    born bigint,
    payload_schema_id int,
    payload blob,
    PRIMARY KEY ((device_id, epoch), priority, sequence)
  ) WITH compaction = {'class': 'TimeWindowCompactionStrategy',
    'compaction_window_unit': 'DAYS', 'compaction_window_size': 1}`,
  (keyspace) => `CREATE TABLE IF NOT EXISTS ${keyspace}.${ACKNOWLEDGEMENTS} (
    device_id text,
    epoch int,
    writer text,
    cursor text,
    PRIMARY KEY ((device_id, epoch), writer)
  ) WITH default_time_to_live = ${ACKNOWLEDGEMENT_TTL_S}`,
];

export interface Statements {
  readonly insert: string;
  /** The whole partition, for a device that has nothing yet. */
  readonly readAll: string;
  /** One priority above a mark. */
  readonly readAbove: string;
  readonly acknowledge: string;
  /** The rows of all writers, with the time of each write. */
  readonly acknowledged: string;
  /** A writer's row as it was at a time; what it has written since stays. */
  readonly forget: string;
  readonly probe: string;
}

const COLUMNS =
  'priority, sequence, id, previous, use_case, deadline, collapse_key, count, born, ' +
  'payload_schema_id, payload';

export function statements(keyspace: string): Statements {
  const inbox = `${keyspace}.${INBOX}`;
  const acknowledgements = `${keyspace}.${ACKNOWLEDGEMENTS}`;
  return {
    insert:
      `INSERT INTO ${inbox} (device_id, epoch, ${COLUMNS}) ` +
      'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TTL ?',
    readAll: `SELECT ${COLUMNS} FROM ${inbox} WHERE device_id = ? AND epoch = ? LIMIT ?`,
    readAbove:
      `SELECT ${COLUMNS} FROM ${inbox} ` +
      'WHERE device_id = ? AND epoch = ? AND priority = ? AND sequence > ? LIMIT ?',
    acknowledge: `INSERT INTO ${acknowledgements} (device_id, epoch, writer, cursor) VALUES (?, ?, ?, ?)`,
    acknowledged:
      `SELECT writer, cursor, WRITETIME(cursor) AS written FROM ${acknowledgements} ` +
      'WHERE device_id = ? AND epoch = ?',
    forget:
      `DELETE FROM ${acknowledgements} USING TIMESTAMP ? ` +
      'WHERE device_id = ? AND epoch = ? AND writer = ?',
    probe: `SELECT cursor FROM ${acknowledgements} WHERE device_id = '' AND epoch = 0`,
  };
}
