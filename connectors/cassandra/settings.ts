/** What a deployment says of its Cassandra, and the check of it before anything is opened. */
import { readFileSync } from 'node:fs';
import { types } from 'cassandra-driver';
import { CarillonError } from '../../core/error.ts';

export interface CassandraSettings {
  /** Host names or addresses, at most 16; others of the ring are found by themselves. */
  readonly contactPoints: readonly string[];
  /** CQL port. Default 9042. */
  readonly port?: number;
  /** The data centre that is spoken to; the others are never used. */
  readonly localDataCenter: string;
  readonly keyspace: string;
  /**
   * Copies per data centre, when the keyspace is made; a number is for the local one. Default: 3,
   * or as many as that data centre has nodes when it has fewer.
   */
  readonly replication?: number | Readonly<Record<string, number>>;
  /** Cassandra's name in lower case. Default `local_quorum`. */
  readonly consistency?: string;
  readonly username?: string;
  /** A secret: never printed. */
  readonly password?: string;
  /** False: keyspace and tables must be there (CAR622 if not). Default true. */
  readonly create?: boolean;
  /** Milliseconds until a request without an answer counts as of unknown outcome. Default 1,500. */
  readonly requestTimeoutMs?: number;
  /** TLS; false or not set: none. `ca`: path of the certificates to trust, else the machine's. */
  readonly ssl?: false | { readonly ca: string | undefined; readonly rejectUnauthorized: boolean };
  /** Requests at once over all calls. Default 128, the best of 32, 128 and 512 when measured. */
  readonly inFlightMax?: number;
}

/** The settings with every default filled in. */
export interface CheckedSettings {
  readonly contactPoints: readonly string[];
  readonly port: number;
  readonly localDataCenter: string;
  readonly keyspace: string;
  readonly replication: number | Readonly<Record<string, number>> | undefined;
  readonly consistency: number;
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  readonly create: boolean;
  /** As the driver takes it, the certificates read. */
  readonly ssl: { readonly ca?: string; readonly rejectUnauthorized: boolean } | undefined;
  readonly requestTimeoutMs: number;
  readonly inFlightMax: number;
}

const CONTACT_POINTS_MAX = 16;
/** Cassandra's own limit of a keyspace's name; it is unquoted, so lower case. */
const KEYSPACE = /^[a-z][a-z0-9_]{0,47}$/;
const DATA_CENTER = /^[\w.-]{1,64}$/;
const REPLICAS_MAX = 16;
const PORT_DEFAULT = 9042;
const REQUEST_TIMEOUT_DEFAULT_MS = 1_500;
const IN_FLIGHT_DEFAULT = 128;

/**
 * `ANY` and the serial levels make no sense here: a row must be readable once it is acknowledged.
 */
const CONSISTENCIES: Readonly<Record<string, number>> = {
  one: types.consistencies.one,
  two: types.consistencies.two,
  three: types.consistencies.three,
  quorum: types.consistencies.quorum,
  all: types.consistencies.all,
  local_quorum: types.consistencies.localQuorum,
  each_quorum: types.consistencies.eachQuorum,
  local_one: types.consistencies.localOne,
};

/** Throws CAR625 with the setting's name for the first that is wrong. */
export function checkSettings(settings: CassandraSettings): CheckedSettings {
  const { contactPoints, localDataCenter, keyspace, username, password, replication } = settings;
  if (contactPoints.length === 0 || contactPoints.length > CONTACT_POINTS_MAX) {
    bad('contactPoints', `has ${contactPoints.length} hosts`, `Name 1 to ${CONTACT_POINTS_MAX}.`);
  }
  if (!KEYSPACE.test(keyspace)) {
    bad('keyspace', `is "${keyspace}"`, 'Use 1 to 48 of a-z, 0-9 and _, a letter first.');
  }
  if (!DATA_CENTER.test(localDataCenter)) {
    bad('localDataCenter', `is "${localDataCenter}"`, 'It is what `nodetool status` says.');
  }
  const consistency = CONSISTENCIES[settings.consistency ?? 'local_quorum'];
  if (consistency === undefined) {
    const known = Object.keys(CONSISTENCIES).join(', ');
    bad('consistency', `is "${settings.consistency}"`, `Use one of ${known}.`);
  }
  if ((username === undefined) !== (password === undefined)) {
    bad(username === undefined ? 'username' : 'password', 'is missing', 'Give both or neither.');
  }
  checkReplication(replication);
  return {
    contactPoints,
    port: within('port', settings.port ?? PORT_DEFAULT, 1, 65_535),
    localDataCenter,
    keyspace,
    replication,
    consistency: consistency!,
    credentials: username === undefined ? undefined : { username, password: password! },
    create: settings.create ?? true,
    ssl: readSsl(settings.ssl ?? false),
    requestTimeoutMs: within(
      'requestTimeoutMs',
      settings.requestTimeoutMs ?? REQUEST_TIMEOUT_DEFAULT_MS,
      50,
      60_000,
    ),
    inFlightMax: within('inFlightMax', settings.inFlightMax ?? IN_FLIGHT_DEFAULT, 1, 2_048),
  };
}

function readSsl(ssl: NonNullable<CassandraSettings['ssl']>): CheckedSettings['ssl'] {
  if (ssl === false) return undefined;
  const { ca, rejectUnauthorized } = ssl;
  if (ca === undefined) return { rejectUnauthorized };
  try {
    return { ca: readFileSync(ca, 'utf8'), rejectUnauthorized };
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'no reason given';
    return bad('ssl.ca', `names ${ca}, which cannot be read (${why})`, 'Name a PEM file.');
  }
}

function checkReplication(replication: CassandraSettings['replication']): void {
  if (replication === undefined) return;
  if (typeof replication === 'number') {
    within('replication', replication, 1, REPLICAS_MAX);
    return;
  }
  for (const [name, copies] of Object.entries(replication)) {
    if (!DATA_CENTER.test(name)) bad('replication', `names "${name}"`, 'Name a data centre.');
    within(`replication.${name}`, copies, 1, REPLICAS_MAX);
  }
}

function within(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    bad(name, `is ${value}`, `Use a whole number from ${least} to ${most}.`);
  }
  return value;
}

function bad(name: string, what: string, mend: string): never {
  // As the deployment config has it.
  const at = `inbox.${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
  throw new CarillonError('CAR625', `${at} ${what}.`, {
    where: { at },
    mend,
  });
}
