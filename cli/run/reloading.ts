/**
 * A pipeline that takes an edit of its topology while it runs: at SIGHUP the files are read again.
 * What cannot be taken leaves it running as it was, and /health/ready says why.
 *
 *   runs ──SIGHUP──▶ read, check ──refused──▶ runs, says why
 *                        └─taken──▶ closes, opens with the edit ──fails──▶ opens as it was
 */
import { CarillonError, CarillonErrors } from '../../core/error.ts';
import type { LogLine } from '../../gateway/problem.ts';
import type { Deployment } from '../deployment.ts';
import type { Running } from './running.ts';

export interface ReloadParts {
  readonly say: LogLine;
  /** With the edit that stands in the files, or as it ran before. */
  open(deployment: Deployment): Promise<Running>;
  /** The deployment as it is written now. Throws what is wrong with it. */
  read(): Deployment;
  /** False: nothing has changed. Throws why the edit cannot be taken. */
  check(next: Deployment, running: Running): Promise<boolean>;
  /** The same deployment with the topology that runs, whatever its file says by now. */
  former(deployment: Deployment): Deployment;
}

export class ReloadingPipeline {
  readonly #parts: ReloadParts;
  #deployment: Deployment;
  #running: Running | undefined;
  #refusal = '';

  constructor(deployment: Deployment, parts: ReloadParts) {
    this.#deployment = deployment;
    this.#parts = parts;
  }

  get running(): Running {
    return this.#running!;
  }

  /** Why the last edit was not taken; empty: it was, or there was none. For health. */
  get refusal(): string {
    return this.#refusal;
  }

  async start(): Promise<void> {
    this.#running = await this.#parts.open(this.#deployment);
  }

  /** Rejects only when it runs in no form any more. */
  async reload(): Promise<void> {
    const { say, open, former } = this.#parts;
    let isEdit: boolean;
    try {
      isEdit = await this.#isEdit();
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.#refusal = '';
    if (!isEdit) {
      say('SIGHUP: the topology is as it was.', {});
      return;
    }
    say('SIGHUP: the topology is opened anew.', {});
    const before = former(this.#deployment);
    const running = this.running;
    const there = atPortsOf(running);
    await running.close();
    try {
      this.#running = await open(there(this.#deployment));
    } catch (error) {
      // Something has come to be held, or a port was taken, since it was checked.
      this.#running = await open(there(before));
      this.#refuse(error);
    }
  }

  async #isEdit(): Promise<boolean> {
    const next = this.#parts.read();
    if (JSON.stringify(next) !== JSON.stringify(this.#deployment)) {
      throw new CarillonError('CAR973', 'the deployment config is another one.', {
        where: { file: next.file ?? 'carillon.yaml' },
      });
    }
    return await this.#parts.check(next, this.running);
  }

  #refuse(error: unknown): void {
    const first = error instanceof CarillonErrors ? error.diagnostics[0] : error;
    const { code, what } = first as Partial<CarillonError>;
    const told = code === undefined ? 'failed' : `${code}: ${what}`;
    this.#refusal = `an edit is not taken: ${told}`;
    this.#parts.say('SIGHUP: the edit is not taken; the pipeline runs as before.', { error });
  }
}

/** Any free port was taken: devices that come back look for the one that they knew. */
function atPortsOf({ url, healthUrl }: Running): (deployment: Deployment) => Deployment {
  const portOf = (address: string | null) => (address === null ? 0 : Number(new URL(address).port));
  const [port, internalPort] = [portOf(url), portOf(healthUrl)];
  return (deployment) => {
    const { http } = deployment;
    // Without a gateway it is the one of health.
    const healthPort = url === null && http.healthPort === 0 ? internalPort : http.healthPort;
    return {
      ...deployment,
      http: {
        ...http,
        port: http.port === 0 ? port : http.port,
        internalPort: http.internalPort === 0 ? internalPort : http.internalPort,
        healthPort,
      },
    };
  };
}
