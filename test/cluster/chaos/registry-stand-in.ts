/**
 * A schema registry in this process, as far as streams ask one: it registers, and finds by id or as
 * the latest of a subject. A real one is a JVM more on a machine that already has three brokers.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const NOT_FOUND = 404;

export class RegistryStandIn {
  readonly #schemas: string[] = [];
  readonly #latest = new Map<string, number>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<RegistryStandIn> {
    const registry = new RegistryStandIn();
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of request) body += piece;
    const found = this.#find(decodeURIComponent(request.url ?? ''), body);
    response.writeHead(found === undefined ? NOT_FOUND : 200, {
      'content-type': 'application/json',
    });
    response.end(JSON.stringify(found ?? { error_code: 40403, message: 'not found' }));
  }

  #find(path: string, body: string): object | undefined {
    const asked = /^\/subjects\/([^/]+)\/versions(\/latest)?$/.exec(path);
    if (asked === null) {
      const schema = this.#schemas[Number(/^\/schemas\/ids\/(\d+)/.exec(path)?.[1] ?? 0) - 1];
      return schema === undefined ? undefined : { schema };
    }
    const [, subject, latest] = asked;
    if (latest === undefined) {
      const { schema } = JSON.parse(body) as { schema: string };
      if (!this.#schemas.includes(schema)) this.#schemas.push(schema);
      const id = this.#schemas.indexOf(schema) + 1;
      this.#latest.set(subject!, id);
      return { id };
    }
    const id = this.#latest.get(subject!);
    return id === undefined
      ? undefined
      : { subject, version: 1, id, schema: this.#schemas[id - 1] };
  }
}
