/** Why the first question to the brokers had no answer, by the setting that it is a matter of. */
import { CarillonError } from '../../core/error.ts';
import { kafkaError } from './client.ts';

const LOGIN = /SASL|authenticat/i;
const TLS = /certificate|altnames|\b(?:SSL|TLS)\b|wrong version number|EPROTO|handshake/i;
const MENDS = {
  login: 'Check username, password and mechanism of log.sasl, and that their variables are set.',
  tls: 'Name whom to trust, as log: { ssl: { ca: ca.pem } }, and check that this port speaks TLS.',
  brokers:
    'Check that the brokers run and that log.brokers names them; a port that wants TLS or a login ' +
    'needs log.ssl and log.sasl.',
};

/** CAR645 when they refuse the login, else CAR640. */
export function probeError(error: unknown, brokers: readonly string[]): CarillonError {
  const why = messageOf(error);
  const at = brokers.join(', ');
  const told = kafkaError(error, at);
  const options = { cause: error, retryable: told.retryable };
  if (told.code === 'CAR645') {
    if (!LOGIN.test(why)) return told;
    const where = { at: 'log.sasl' };
    const what = `Kafka at ${at} refuses the login: ${why}`;
    return new CarillonError('CAR645', what, { ...options, where, mend: MENDS.login });
  }
  const isTls = TLS.test(why);
  return new CarillonError('CAR640', `Kafka at ${at} does not answer: ${why}`, {
    ...options,
    where: { at: isTls ? 'log.ssl' : 'log.brokers' },
    mend: isTls ? MENDS.tls : MENDS.brokers,
  });
}

/** Of what came of the last try, where all were spent. */
function messageOf(error: unknown): string {
  const { message, cause } = error as Error;
  const isSpent = (error as Error).name === 'KafkaJSNumberOfRetriesExceeded';
  return isSpent && cause instanceof Error ? messageOf(cause) : String(message ?? error);
}
