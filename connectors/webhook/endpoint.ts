/** One endpoint: POST over kept connections, HTTP/1.1, redirects never followed. */
import { Agent as HttpAgent, type RequestOptions as HttpOptions, request as http } from 'node:http';
import { Agent as HttpsAgent, request as https } from 'node:https';
import { lost, type WireAnswer } from '../wire-answer.ts';
import type { AddressGuard } from './address-guard.ts';

export interface EndpointOptions {
  readonly url: URL;
  readonly guard: AddressGuard;
  /** PEM that is trusted in place of the machine's certificates. */
  readonly ca: string | undefined;
  readonly connectionsMax: number;
  readonly timeoutMs: number;
}

/** As much of an answer as is read; an endpoint has no more to say. */
const ANSWER_BYTES_MAX = 64 * 1024;

export class Endpoint {
  readonly #options: EndpointOptions;
  readonly #agent: HttpAgent;
  readonly #isTls: boolean;

  constructor(options: EndpointOptions) {
    const { ca, connectionsMax, url } = options;
    const kept = { keepAlive: true, maxSockets: connectionsMax };
    this.#options = options;
    this.#isTls = url.protocol === 'https:';
    this.#agent = this.#isTls
      ? new HttpsAgent({ ...kept, ...(ca === undefined ? {} : { ca }) })
      : new HttpAgent(kept);
  }

  /** Never rejects. */
  post(headers: Readonly<Record<string, string>>, body: Buffer): Promise<WireAnswer> {
    const { url, guard, timeoutMs } = this.#options;
    return new Promise((resolve) => {
      // Before the connection stands nobody has seen anything of it.
      let isSent = false;
      const options: HttpOptions = {
        method: 'POST',
        agent: this.#agent,
        lookup: guard.lookup,
        headers: { ...headers, 'content-length': body.length },
      };
      const request = this.#isTls ? https(url, options) : http(url, options);
      const end = (answer: WireAnswer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      const timer = setTimeout(() => {
        end(lost('timeout', isSent));
        request.destroy();
      }, timeoutMs);
      request.on('socket', (socket) => {
        if (request.reusedSocket) isSent = true;
        else {
          socket.once(this.#isTls ? 'secureConnect' : 'connect', () => {
            isSent = true;
          });
        }
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        end(lost(isSent ? 'cut' : 'unreachable', isSent, error.code ?? ''));
      });
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          if (size < ANSWER_BYTES_MAX) chunks.push(chunk);
          size += chunk.length;
        });
        response.on('error', (error: NodeJS.ErrnoException) => {
          end(lost('cut', true, error.code ?? ''));
        });
        response.on('end', () => {
          const { statusCode: status = 0, headers: answered } = response;
          const text = Buffer.concat(chunks).toString('utf8', 0, ANSWER_BYTES_MAX);
          end({ kind: 'answer', status, headers: answered, body: text });
        });
      });
      request.end(body);
    });
  }

  /** Cuts what is under way. */
  close(): void {
    this.#agent.destroy();
  }
}
