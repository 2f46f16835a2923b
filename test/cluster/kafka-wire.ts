/**
 * The wire between a log and its brokers, for tests that cut it: what kill -9 looks like from
 * outside.
 */
import { connect, type Socket } from 'node:net';
import { type KafkaLogger, type KafkaOptions, openKafkaLog } from '../../connectors/kafka/log.ts';
import type { Dialer } from '../../connectors/kafka/wire/connection.ts';
import type { Log } from '../../core/log.ts';

/** Sessions are short, so that the tasks of a killed member go to the next one soon. */
const SESSION_TIMEOUT_MS = 2_000;

export class Wire {
  readonly #sockets = new Set<Socket>();
  #cut = false;

  readonly factory: NonNullable<KafkaOptions['socketFactory']> = ({ host, port, onConnect }) => {
    // A cut wire leads nowhere: port 1 of the loop-back refuses.
    const socket = connect({ host, port: this.#cut ? 1 : port }, onConnect);
    this.#keep(socket);
    return socket;
  };

  /** The same for the own protocol level. */
  readonly dialer: Dialer = {
    at: ({ host, port }) => ({ host, port: this.#cut ? 1 : port }),
    opened: (socket) => this.#keep(socket),
  };

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy(new Error('the wire is cut'));
  }

  mend(): void {
    this.#cut = false;
  }
}

const logger: KafkaLogger = {
  debug: (facts, text) => print('debug', facts, text),
  info: (facts, text) => print('info', facts, text),
  warn: (facts, text) => print('warn', facts, text),
  error: (facts, text) => print('error', facts, text),
};

const LEVELS = ['error', 'warn', 'info', 'debug'];

/** `CARILLON_TEST_LOG=info` shows what the connector says. */
function print(level: string, facts: object, text: string): void {
  const shown = LEVELS.indexOf(process.env.CARILLON_TEST_LOG ?? 'none');
  if (LEVELS.indexOf(level) > shown) return;
  process.stderr.write(
    `${performance.now().toFixed(0)} ${level} ${text} ${JSON.stringify(facts)}\n`,
  );
}

let clients = 0;

export async function openWired(
  brokers: readonly string[],
  over: Partial<KafkaOptions> = {},
): Promise<{ log: Log; wire: Wire }> {
  const wire = new Wire();
  const log = await openKafkaLog({
    brokers,
    clientId: `test-${++clients}`,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    heartbeatIntervalMs: 200,
    socketFactory: wire.factory,
    dialer: wire.dialer,
    logger,
    ...over,
  });
  return { log, wire };
}
