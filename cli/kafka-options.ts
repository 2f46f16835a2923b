/** From the deployment's words to what the Kafka connector takes. */
import type { KafkaLogger, KafkaOptions } from '../connectors/kafka/client.ts';
import { systemClock } from '../core/clock.ts';
import type { LogLine } from '../gateway/problem.ts';
import type { KafkaLogSettings } from './deployment.ts';
import { trustIn } from './trust-file.ts';

/**
 * Reads the certificates to trust, if the deployment names them: CAR902 when the file is not there,
 * CAR735 when there is none in it, or all have expired.
 */
export function kafkaOptionsOf(
  settings: KafkaLogSettings,
  logger?: KafkaLogger,
  nowMs = systemClock.now(),
  { checkpoints }: { readonly checkpoints?: string | undefined } = {},
): KafkaOptions {
  const { brokers, clientId, replicationFactor, dataPlane, sessionTimeoutMs } = settings;
  const { ssl, sasl } = settings;
  const ca =
    ssl === false || ssl.ca === undefined ? {} : { ca: trustIn('log.ssl.ca', ssl.ca, nowMs) };
  return {
    brokers,
    clientId,
    replicationFactor,
    dataPlane,
    sessionTimeoutMs,
    ...(ssl === false ? {} : { ssl: { rejectUnauthorized: ssl.rejectUnauthorized, ...ca } }),
    ...(sasl === undefined ? {} : { sasl: saslOf(sasl) }),
    ...(logger === undefined ? {} : { logger }),
    ...(checkpoints === undefined ? {} : { checkpoints }),
  };
}

/** Warnings and errors at their levels; what is only of use to who debugs is not said. */
export function kafkaLoggerOf(say: LogLine): KafkaLogger {
  const at = (level: 'warn' | 'error') => (facts: object, sentence: string) =>
    say(sentence, { ...facts }, level);
  return { debug() {}, info() {}, warn: at('warn'), error: at('error') };
}

type Sasl = NonNullable<KafkaLogSettings['sasl']>;

/** kafkajs tells its mechanisms apart by type, so each is written out. */
function saslOf({ mechanism, username, password }: Sasl): NonNullable<KafkaOptions['sasl']> {
  switch (mechanism) {
    case 'plain':
      return { mechanism, username, password };
    case 'scram-sha-256':
      return { mechanism, username, password };
    case 'scram-sha-512':
      return { mechanism, username, password };
  }
}
