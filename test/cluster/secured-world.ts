// biome-ignore-start lint/suspicious/noTemplateCurlyInString: deployment texts have variables.
/**
 * Servers as careful operators have them: Kafka over SASL_SSL that allows nobody but what
 * `topics acls` prints, Cassandra with users and TLS, a registry that asks for a password over TLS.
 * Every role is a process with a Kafka user of its own, and speaks TLS on its own ports too. The
 * passwords are new in each run, so that one which stands in a log is found.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'cassandra-driver';
import kafkajs, { type AclEntry } from 'kafkajs';
import type { Grant } from '../../cli/access.ts';
import { CERTIFICATE } from '../kit/certificate.ts';
import {
  type CassandraServer,
  type KafkaServer,
  startCassandra,
  startKafka,
} from '../kit/servers.ts';
import { type SharedServers, sharedServers } from '../kit/shared-servers.ts';
import { PipelineProcess } from './pipeline.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel } = kafkajs;
const { ResourcePatternTypes } = kafkajs;
const ROOT = join(import.meta.dirname, '../..');
const CLI = join(ROOT, 'cli/carillon.ts');
const COMMAND_MS = 60_000;
export const KEYSPACE = 'secured';
export const TOPOLOGY = join(ROOT, 'test/e2e/topologies/sockets.yaml');

/** Half of the processes come by one mechanism, half by the other. */
export type Mechanism = 'plain' | 'scram-sha-512';

const RESOURCES = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  'transactional-id': AclResourceTypes.TRANSACTIONAL_ID,
};
const OPERATIONS = {
  Create: AclOperationTypes.CREATE,
  Delete: AclOperationTypes.DELETE,
  Describe: AclOperationTypes.DESCRIBE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
};

/** As `carillon topics acls --format json` prints it. */
interface Printed {
  readonly user: string;
  readonly role: string;
  readonly grants: readonly Grant[];
}

const entriesOf = ({ user, grants }: Printed): AclEntry[] =>
  grants.flatMap(({ resource, name, prefixed, operations }) =>
    operations.map((operation) => ({
      principal: `User:${user}`,
      host: '*',
      permissionType: AclPermissionTypes.ALLOW,
      resourceType: RESOURCES[resource],
      resourceName: name,
      resourcePatternType: prefixed ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
      operation: OPERATIONS[operation],
    })),
  );

export interface Told {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export class SecuredWorld {
  /** Everything that no log, error, answer or metric may show; by what it is. */
  readonly secrets = new Map<string, string>();
  readonly #folder = mkdtempSync(join(tmpdir(), 'carillon-secured-'));
  readonly #running: PipelineProcess[] = [];
  readonly #held: ChildProcess[] = [];
  readonly #told: string[] = [];
  #printed: readonly Printed[] = [];
  #kafka: KafkaServer | undefined;
  #cassandra: CassandraServer | undefined;
  #shared: SharedServers | undefined;
  #registry: Server | undefined;
  #deployment = '';
  #at: Readonly<Record<string, string>> = {};

  static async start(): Promise<SecuredWorld> {
    const world = new SecuredWorld();
    try {
      await world.#start();
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  get roles(): readonly string[] {
    return this.#printed
      .map(({ role }) => role)
      .filter((role) => !['deploy', 'producer', 'analyst'].includes(role));
  }

  async #start(): Promise<void> {
    for (const [file, text] of Object.entries(CERTIFICATE)) {
      writeFileSync(join(this.#folder, `${file}.pem`), text);
    }
    for (const name of ['cassandra', 'cassandra-deploy', 'registry', 'auth', 'internal']) {
      this.#plant(name);
    }
    this.secrets.set('key', CERTIFICATE.key.split('\n')[1]!);
    this.#write({ brokers: ['127.0.0.1:1'], registry: 'https://127.0.0.1:1', cassandra: 1 });
    const { out } = await this.carillon('deploy', ['topics', 'acls', '--format', 'json']);
    this.#printed = JSON.parse(out) as Printed[];
    const users = Object.fromEntries(this.#printed.map(({ user }) => [user, this.#plant(user)]));
    const tls = CERTIFICATE;
    const admin = this.#plant('admin');
    [this.#kafka, this.#cassandra, this.#shared] = await Promise.all([
      startKafka({ users: { admin, ...users }, tls }),
      startCassandra({ tls }),
      sharedServers(['registry']),
    ]);
    const registry = await this.#openRegistry(this.#shared.registry);
    await Promise.all([this.#allow(admin), this.#makeCassandraUsers()]);
    const { port } = this.#cassandra;
    this.#write({ brokers: this.#kafka.brokers, registry, cassandra: port });
  }

  #plant(name: string): string {
    const secret = randomBytes(24).toString('base64url');
    this.secrets.set(name, secret);
    return secret;
  }

  async #allow(password: string): Promise<void> {
    const sasl = { mechanism: 'scram-sha-512', username: 'admin', password } as const;
    const ssl = { ca: CERTIFICATE.cert };
    const brokers = [...this.#kafka!.brokers];
    const admin = new Kafka({ brokers, sasl, ssl, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createAcls({ acl: this.#printed.flatMap(entriesOf) });
    await admin.disconnect();
  }

  /** Who deploys makes keyspace and tables; the others read and write rows, and no more. */
  async #makeCassandraUsers(): Promise<void> {
    const { contactPoints, port, localDataCenter } = this.#cassandra!;
    const client = new Client({
      contactPoints: [...contactPoints],
      protocolOptions: { port },
      localDataCenter,
      credentials: { username: 'cassandra', password: 'cassandra' },
      sslOptions: { ca: CERTIFICATE.cert, rejectUnauthorized: true },
    });
    await client.connect();
    const login = (user: string, secret: string) =>
      client.execute(
        `CREATE ROLE ${user} WITH PASSWORD = '${this.secrets.get(secret)}' AND LOGIN = true`,
      );
    await login('deploy', 'cassandra-deploy');
    await login('carillon', 'cassandra');
    const replication = "{ 'class': 'SimpleStrategy', 'replication_factor': 1 }";
    await client.execute(`CREATE KEYSPACE ${KEYSPACE} WITH replication = ${replication}`);
    await client.execute('GRANT CREATE ON ALL KEYSPACES TO deploy');
    for (const right of ['SELECT', 'MODIFY']) {
      for (const user of ['deploy', 'carillon']) {
        await client.execute(`GRANT ${right} ON KEYSPACE ${KEYSPACE} TO ${user}`);
      }
    }
    await client.shutdown();
  }

  /** In front of the real one. */
  async #openRegistry(to: string): Promise<string> {
    const server = createServer(CERTIFICATE, async (request, response) => {
      const known = `Basic ${btoa(`carillon:${this.secrets.get('registry')}`)}`;
      if (request.headers.authorization !== known) {
        response.writeHead(401, { 'content-type': 'application/json' });
        response.end('{"error_code":40101,"message":"Unauthorized"}');
        return;
      }
      const body = await new Response(request as never).text();
      const type = request.headers['content-type'] ?? 'application/json';
      const answer = await fetch(`${to}${request.url}`, {
        method: request.method!,
        headers: { 'content-type': type },
        ...(body === '' ? {} : { body }),
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(await answer.text());
    });
    this.#registry = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** JSON is YAML. Who one is comes from the environment of each process. */
  #write(at: { brokers: readonly string[]; registry: string; cassandra: number }): void {
    this.#at = {
      BROKERS: at.brokers.join(','),
      REGISTRY_URL: at.registry,
      CASSANDRA_PORT: String(at.cassandra),
    };
    const tls = { cert: 'cert.pem', key: 'key.pem' };
    const ssl = { ca: 'cert.pem' };
    const user = { username: '${KAFKA_USER}', password: '${KAFKA_PASSWORD}' };
    const deployment = {
      topology: TOPOLOGY,
      partitions: 2,
      log: {
        ...{ kind: 'kafka', brokers: '${BROKERS}', replication: 1, client_id: 'secured', ssl },
        sasl: { mechanism: '${KAFKA_MECHANISM}', ...user },
      },
      registry: {
        ...{ url: '${REGISTRY_URL}', username: 'carillon', password: '${REGISTRY_PASSWORD}', ssl },
      },
      inbox: {
        ...{ kind: 'cassandra', contact_points: ['127.0.0.1'], port: '${CASSANDRA_PORT}' },
        ...{ local_data_center: 'datacenter1', keyspace: KEYSPACE, replication: 1 },
        ...{ username: '${CASSANDRA_USER}', password: '${CASSANDRA_PASSWORD}', ssl },
        create: '${CASSANDRA_CREATE}',
      },
      http: { port: 0, health_port: 0, tls, internal_tls: { ...tls, ca: 'cert.pem' } },
      auth: { secret: '${CARILLON_SECRET}', internal_token: '${CARILLON_INTERNAL_TOKEN}' },
    };
    this.#deployment = join(this.#folder, 'carillon.yaml');
    writeFileSync(this.#deployment, JSON.stringify(deployment));
  }

  #envOf(role: string, changed: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const index = this.#printed.findIndex((one) => one.role === role);
    const user = this.#printed[index]?.user ?? 'nobody';
    const mechanism: Mechanism = index % 2 === 0 ? 'scram-sha-512' : 'plain';
    const cassandra = role === 'deploy' ? 'cassandra-deploy' : 'cassandra';
    return {
      ...env,
      ...this.#at,
      NODE_EXTRA_CA_CERTS: join(this.#folder, 'cert.pem'),
      KAFKA_MECHANISM: mechanism,
      KAFKA_USER: user,
      KAFKA_PASSWORD: this.secrets.get(user) ?? 'none',
      REGISTRY_PASSWORD: this.secrets.get('registry')!,
      CASSANDRA_USER: role === 'deploy' ? 'deploy' : 'carillon',
      CASSANDRA_PASSWORD: this.secrets.get(cassandra)!,
      CASSANDRA_CREATE: String(role === 'deploy'),
      CARILLON_SECRET: this.secrets.get('auth')!,
      CARILLON_INTERNAL_TOKEN: this.secrets.get('internal')!,
      ...changed,
    };
  }

  /** A command as somebody with the rights of a role. */
  async carillon(
    role: string,
    words: readonly string[],
    changed: Readonly<Record<string, string>> = {},
  ): Promise<Told> {
    const args = [CLI, ...words, '--deployment', this.#deployment];
    const options = { env: this.#envOf(role, changed), cwd: this.#folder, timeout: COMMAND_MS };
    return new Promise((resolve) => {
      execFile(process.execPath, args, options, (error, out, err) => {
        if (!words.includes('token')) this.#told.push(out, err);
        const code = error === null ? 0 : (error.code as unknown);
        resolve({ status: typeof code === 'number' ? code : -1, out, err });
      });
    });
  }

  /** A command that goes on until it is ended: what it has said, and how to end it. */
  hold(role: string, words: readonly string[]): { said(): string; end(): Promise<void> } {
    const args = [CLI, ...words, '--deployment', this.#deployment];
    const child = spawn(process.execPath, args, { env: this.#envOf(role), cwd: this.#folder });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    const end = async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      this.#told.push(said);
    };
    this.#held.push(child);
    return { said: () => said, end };
  }

  /** Starts a process of one role without waiting. */
  launch(
    role: string,
    what: readonly string[] = [role],
    changed: Readonly<Record<string, string>> = {},
  ): PipelineProcess {
    const dir = join(this.#folder, `${this.#running.length}`);
    mkdirSync(dir);
    const child = new PipelineProcess(what, dir, this.#deployment, this.#envOf(role, changed));
    this.#running.push(child);
    return child;
  }

  /** All that processes and commands have said. */
  get said(): readonly string[] {
    return [...this.#told, ...this.#running.map((child) => child.log)];
  }

  async stop(): Promise<void> {
    for (const child of this.#held) child.kill('SIGKILL');
    await Promise.all(this.#running.map((child) => child.kill()));
    this.#registry?.closeAllConnections();
    this.#registry?.close();
    await Promise.all([this.#kafka?.stop(), this.#cassandra?.stop(), this.#shared?.stop()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
