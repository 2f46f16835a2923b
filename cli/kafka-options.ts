/** From the deployment's words to what the Kafka connector takes. */
import type { KafkaLogger, KafkaOptions } from '../connectors/kafka/client.ts';
import type { LogLine } from '../gateway/problem.ts';
import type { KafkaLogSettings } from './deployment.ts';
import { readText } from './read-text.ts';

/** Reads the certificate to trust, if the deployment names one: CAR902 when it is not there. */
export function kafkaOptionsOf(
  settings: KafkaLogSettings,
  logger?: KafkaLogger,
  { checkpoints }: { readonly checkpoints?: string | undefined } = {},
): KafkaOptions {
  const { brokers, clientId, replicationFactor, dataPlane, ssl, sasl } = settings;
  const ca = ssl === false || ssl.ca === undefined ? {} : { ca: readText(ssl.ca) };
  return {
    brokers,
    clientId,
    replicationFactor,
    dataPlane,
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
