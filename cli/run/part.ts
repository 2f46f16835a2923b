/**
 * One process's part of the pipeline, over any log: the streams, sinks, gateway and ingest of its
 * roles. Both ways to run are made of this; they differ in the log, the registry and the inbox.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { CarillonError, type Diagnostic } from '../../core/error.ts';
import type { InboxStore } from '../../core/inbox.ts';
import type { Log } from '../../core/log.ts';
import type { AuthOptions } from '../../gateway/auth.ts';
import type { ConsoleSource } from '../../gateway/console.ts';
import { startConsoleServer } from '../../gateway/console-server.ts';
import { type Gateway, startGateway } from '../../gateway/gateway.ts';
import type { HealthCheck } from '../../gateway/health.ts';
import { type HealthServer, startHealthServer } from '../../gateway/health-server.ts';
import { openFilesMax } from '../../gateway/open-files.ts';
import type { LogLine } from '../../gateway/problem.ts';
import { Engine } from '../../runtime/engine.ts';
import { type FlowSnapshot, type LagSnapshot, mergeFlows, snapshotOf } from '../../runtime/flow.ts';
import { type GatewayFacts, metricsText } from '../../runtime/metrics.ts';
import type { StepFlow } from '../../runtime/streams/streams-task.ts';
import type { CommitPolicy } from '../../runtime/unit.ts';
import type { AvroSchemas } from '../../schemas/avro-schemas.ts';
import type { RegistryPort } from '../../schemas/registry.ts';
import { consoleSource } from '../console/console-source.ts';
import { type ProcessFlow, ProcessFlows } from '../console/process-flows.ts';
import type { Deployment } from '../deployment.ts';
import { trustOf } from '../deployment-auth.ts';
import { internalUrlOf, type TlsPaths } from '../deployment-http.ts';
import { stateBytesMax } from '../deployment-state.ts';
import { type LoadedTopology, shownPath } from '../load-topology.ts';
import { AuthModule } from '../modules/auth-module.ts';
import type { Secrets } from '../secrets.ts';
import { version } from '../version.ts';
import { connectorSettings } from './connector-settings.ts';
import { budgetsOf } from './producer-quota.ts';
import { type Roles, sinkRole } from './roles.ts';
import { Gateways, openSink, payloadService, type SinkServices, showService } from './services.ts';
import { type ReadTls, readTls } from './tls.ts';
import { ackedUseCases, eventTypesOf } from './topology.ts';

export interface PartOptions {
  readonly deployment: Deployment;
  readonly topology: LoadedTopology;
  readonly roles: Roles;
  readonly log: Log;
  readonly schemas: AvroSchemas;
  readonly registry: RegistryPort;
  readonly inbox: InboxStore | null;
  readonly clock: Clock;
  /** That of the engine's tasks, which never goes back; the same one when it is left out. */
  readonly taskClock?: Clock;
  readonly secrets: Secrets;
  readonly gatewayId: string;
  readonly streamsCommit: CommitPolicy;
  readonly sinksCommit: CommitPolicy;
  /** See EngineParts: the embedded inbox shares the log's transactions. */
  readonly keepsInTransaction?: boolean;
  readonly say: LogLine;
  /** Settings of connectors beside the deployment's (the sample world's stand-ins). */
  readonly connectors?: Deployment['connectors'];
  /** What was counted while the topology was applied. */
  readonly before?: readonly StepFlow[];
  /** The flow of the other threads of this process. */
  readonly others?: () => Promise<FlowSnapshot>;
  /** See RunOptions. */
  readonly edits?: () => string;
  random(): number;
}

export class Part {
  readonly #options: PartOptions;
  readonly #engine: Engine;
  #gateways: Gateways | null = null;
  #gateway: Gateway | null = null;
  #auth: AuthModule | null = null;
  #healthServer: HealthServer | null = null;
  #failures: string[] = [];
  readonly #id = randomUUID();

  private constructor(options: PartOptions) {
    this.#options = options;
    const { topology, log, schemas, clock, deployment, say } = options;
    this.#engine = new Engine({
      plan: topology.plan,
      log,
      schemas,
      clock: options.taskClock ?? clock,
      partitions: deployment.partitions,
      streamsCommit: options.streamsCommit,
      sinksCommit: options.sinksCommit,
      keepsInTransaction: options.keepsInTransaction ?? false,
      stateBytesMax: stateBytesMax(deployment.state),
      before: options.before ?? [],
      random: options.random,
      onFailure: (error) => {
        this.#failures = [...this.#failures.slice(-9), error.message];
        say('A task has ended.', { error });
      },
      onUnreadable: (table, { partition, offset }, why) => {
        say('A row of a table cannot be read.', { table, partition, offset, why });
      },
      onTrouble: (lane, why) => {
        if (why === null) say('Deliveries get through again.', { lane });
        else say('Deliveries fail; the lane goes on.', { lane, why });
      },
    });
  }

  /** Joins all groups and opens the ports of its roles. */
  static async start(options: PartOptions): Promise<Part> {
    const part = new Part(options);
    try {
      await part.#start();
    } catch (error) {
      await part.close().catch(() => {});
      throw error;
    }
    return part;
  }

  /** Where devices and producers reach it; null: it has neither role. */
  get url(): string | null {
    return this.#gateway?.url ?? null;
  }

  /** Where /metrics and the details of /health are; null: it has no port. */
  get healthUrl(): string | null {
    return this.#gateway?.internalUrl ?? this.#healthServer?.url ?? null;
  }

  get connections(): number {
    return this.#gateway?.connections() ?? 0;
  }

  async snapshot(): Promise<FlowSnapshot> {
    const lags = new Map<string, LagSnapshot>();
    for (const { group, topic, lag } of await this.#engine.lag().catch(() => [])) {
      const key = `${group} ${topic}`;
      lags.set(key, { group, topic, lag: (lags.get(key)?.lag ?? 0) + lag });
    }
    const own = snapshotOf(this.#engine, [...lags.values()]);
    const troubles = [...own.troubles, ...this.#failures, ...this.#logTroubles()];
    const flows: FlowSnapshot[] = [{ ...own, troubles }];
    if (this.#options.others !== undefined) flows.push(await this.#options.others());
    return mergeFlows(flows);
  }

  /** What this process tells those that ask for the whole pipeline. */
  async flow(): Promise<ProcessFlow> {
    const { connections } = this;
    return { ...(await this.snapshot()), connections, process: this.#id };
  }

  async metrics(): Promise<string> {
    const flow = await this.snapshot();
    return metricsText(flow, {
      connections: this.connections,
      ready: flow.troubles.length === 0,
      ...(this.#gateway === null ? {} : { gateway: factsOf(this.#gateway) }),
    });
  }

  /** Devices first, so that they go elsewhere; then the streams, with what they have done. */
  async close(): Promise<void> {
    await this.#gateway?.close();
    await this.#auth?.close();
    await this.#healthServer?.close();
    await this.#engine.close();
    await this.#gateways?.close();
  }

  async #start(): Promise<void> {
    const { topology, roles, deployment } = this.#options;
    const hasGateway = roles.has('gateway') || roles.has('ingest');
    // First, so that a process that waits for its groups can be asked already.
    if (!hasGateway && roles.has('console')) await this.#startConsole();
    else if (!hasGateway && deployment.http.healthPort !== null) await this.#startHealth();
    for (const sub of topology.plan.subTopologies) {
      if (roles.has(sub.role)) await this.#engine.startStreams(sub);
    }
    await this.#startSinks();
    if (hasGateway) await this.#startGateway();
  }

  async #startSinks(): Promise<void> {
    const { topology, roles, clock, schemas, log, inbox, say, deployment } = this.#options;
    for (const sink of topology.plan.sinks) {
      const priorities = sink.lane.priorities.filter((one) => roles.has(sinkRole(sink, one)));
      if (priorities.length === 0) continue;
      if (sink.spec.type === 'websocket') {
        this.#gateways ??= await Gateways.follow(log, schemas, say);
      }
      const services: SinkServices = {
        clock,
        payload: payloadService(schemas, clock),
        show: showService(topology.plan),
        texts: topology.plan.words.texts,
        ...(inbox === null ? {} : { inbox }),
        ...(this.#gateways === null ? {} : { gateways: this.#gateways }),
      };
      const ca = this.#tls('internal_tls', deployment.http.internalTls)?.ca;
      const settings = {
        internalToken: this.#options.secrets.internalToken,
        ...(ca === undefined ? {} : { internalCa: ca }),
        ...connectorSettings(sink, deployment.connectors),
        ...this.#options.connectors?.[sink.spec.type],
      };
      for (const priority of priorities) {
        // A connector of its own for each lane: they share no connection and no queue (bulkheads).
        await this.#engine.startSink(sink, priority, await openSink(sink, services, settings));
      }
    }
  }

  async #startGateway(): Promise<void> {
    const { deployment, topology, roles, log, schemas, registry, inbox, clock } = this.#options;
    if (inbox === null) throw new Error('a gateway needs an inbox');
    const { http } = deployment;
    const files = openFilesMax();
    const internalUrl = internalUrlOf(http);
    const tls = this.#tls('tls', http.tls);
    const internalTls = this.#tls('internal_tls', http.internalTls);
    this.#gateway = await startGateway({
      host: http.host,
      port: http.port,
      ...(tls === undefined ? {} : { tls }),
      internal: {
        host: http.internalHost,
        port: http.internalPort,
        ...(internalTls === undefined ? {} : { tls: internalTls }),
      },
      gatewayId: this.#options.gatewayId,
      version: version(),
      ...(internalUrl === null ? {} : { internalUrl }),
      ...(http.origins === null ? {} : { origins: http.origins }),
      ...(http.trustedProxies === null ? {} : { trustedProxies: http.trustedProxies }),
      proxyProtocol: http.proxyProtocol,
      ...(http.producerQuota === null ? {} : { budgets: budgetsOf(http.producerQuota) }),
      ...(http.compression === null ? {} : { compression: http.compression }),
      log,
      schemas,
      registry,
      inbox,
      console: this.#console(),
      clock,
      auth: await this.#trust(),
      ...(files === undefined ? {} : { openFilesMax: files }),
      eventTypes: eventTypesOf(topology),
      words: topology.plan.words,
      acked: ackedUseCases(topology.plan),
      roles: { devices: roles.has('gateway'), ingest: roles.has('ingest') },
      metrics: () => this.metrics(),
      flow: () => this.flow(),
      health: this.#checks(),
      say: this.#options.say,
      random: this.#options.random,
    });
  }

  async #authModule(): Promise<Pick<AuthOptions, 'module'>> {
    const { deployment, clock, say } = this.#options;
    const { module: file } = deployment.auth;
    if (file === null) return {};
    const module = await AuthModule.open({
      file,
      shown: shownPath(file, process.cwd()),
      clock,
      say,
    });
    this.#auth = module;
    return { module: (token) => module.ask(token) };
  }

  async #trust(): Promise<AuthOptions> {
    const { secrets, deployment } = this.#options;
    return { ...secrets, ...trustOf(deployment.auth), ...(await this.#authModule()) };
  }

  #console(): ConsoleSource {
    const { deployment, topology, schemas, inbox, clock, log, say } = this.#options;
    const { processes } = deployment.console;
    const ca = this.#tls('internal_tls', deployment.http.internalTls)?.ca;
    const others = new ProcessFlows({ processes, ...(ca === undefined ? {} : { ca }) });
    return consoleSource({
      ...{ deployment, topology, schemas, inbox, clock, log, say },
      flow: async () => others.with(await this.flow()),
    });
  }

  async #startConsole(): Promise<void> {
    const { deployment, clock, say } = this.#options;
    const { http } = deployment;
    const tls = this.#tls('internal_tls', http.internalTls);
    this.#healthServer = await startConsoleServer({
      host: http.internalHost,
      port: http.internalPort,
      ...(tls === undefined ? {} : { tls }),
      ...(http.origins === null ? {} : { origins: http.origins }),
      ...(http.trustedProxies === null ? {} : { trustedProxies: http.trustedProxies }),
      auth: await this.#trust(),
      source: this.#console(),
      version: version(),
      clock,
      ...this.#figures(),
      say,
    });
  }

  async #startHealth(): Promise<void> {
    const { deployment, say } = this.#options;
    this.#healthServer = await startHealthServer({
      host: deployment.http.host,
      port: deployment.http.healthPort ?? 0,
      ...this.#figures(),
      say,
    });
  }

  #figures() {
    const { log, inbox } = this.#options;
    const checks = new Map<string, HealthCheck>([['log', () => log.probe()], ...this.#checks()]);
    if (inbox !== null) checks.set('inbox', () => inbox.probe());
    return { checks, metrics: () => this.metrics(), flow: () => this.flow() };
  }

  #tls(setting: 'tls' | 'internal_tls', paths: TlsPaths | null): ReadTls | undefined {
    return paths === null
      ? undefined
      : readTls(`http.${setting}`, paths, this.#options.clock.now());
  }

  #checks(): Map<string, HealthCheck> {
    const checks = new Map<string, HealthCheck>([['engine', () => this.#checkTroubles()]]);
    const { edits } = this.#options;
    if (edits !== undefined) checks.set('topology', async () => edits());
    return checks;
  }

  #logTroubles(): string[] {
    return errorsOf(this.#options.log.troubles());
  }

  /** Without asking the log for lags: the check must answer when the log does not. */
  async #checkTroubles(): Promise<string> {
    const others = (await this.#options.others?.())?.troubles ?? [];
    const troubles = [
      ...this.#failures,
      ...this.#engine.troubles(),
      ...this.#logTroubles(),
      ...others,
    ];
    if (troubles.length === 0) return this.#engine.warnings().join('; ');
    throw new CarillonError('CAR944', `${troubles.join('; ')}.`, { retryable: true });
  }
}

/** What the log says keeps something from being read or opened. */
function errorsOf(troubles: readonly Diagnostic[]): string[] {
  return troubles
    .filter(({ level }) => level === 'error')
    .map(({ code, what }) => `${code} ${what.replace(/\.$/, '')}`);
}

function factsOf(gateway: Gateway): GatewayFacts {
  const { closed, ...counts } = gateway.counts;
  return { counts: { ...counts, reportsLost: gateway.reportsLost() }, closed };
}
