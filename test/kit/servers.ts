/** The real servers that tests run against: see `servers/` for how each is started. */
import { type KafkaOptions, type KafkaServer, startKafkaByJava } from './servers/kafka.ts';
import { type RegistryServer, startRegistryByJava } from './servers/registry.ts';

export type { KafkaOptions, KafkaServer, RegistryServer };

export function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  return startKafkaByJava(options);
}

export function startRegistry(): Promise<RegistryServer> {
  return startRegistryByJava();
}
