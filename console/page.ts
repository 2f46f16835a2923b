/** The page: asks for the token, shows one view, and asks how it flows while it is looked at. */
import type { FlowAnswer, TopologyAnswer } from './answers.ts';
import { ask, Refused, setToken, takeToken } from './api.ts';
import { deadLettersView } from './dead-letters-view.ts';
import { deviceView } from './device-view.ts';
import { el, fill } from './elements.ts';
import { liveView } from './live-view.ts';
import { failure } from './parts.ts';
import { eventsIn, FlowHistory, toldBy } from './rates.ts';
import { topologyView } from './topology-view.ts';
import type { View } from './view.ts';
import { longCount, shortRate } from './words.ts';

const ASK_EVERY_MS = 1_000;
const VIEWS = [
  ['topology', 'Topology'],
  ['devices', 'Devices'],
  ['live', 'Live query'],
  ['dead-letters', 'Dead letters'],
] as const;

const place = (id: string) => document.getElementById(id)!;

class Page {
  readonly #topology: TopologyAnswer;
  readonly #history = new FlowHistory();
  #view: View | null = null;

  constructor(topology: TopologyAnswer) {
    this.#topology = topology;
    fill(place('topology'), topology.topology);
    document.title = `${topology.topology} – Carillon`;
    const links = VIEWS.map(([name, words]) => el('a', { href: `#${name}` }, words));
    fill(place('views'), ...links);
    addEventListener('hashchange', () => this.#show());
    this.#show();
  }

  /** While the page is looked at, one request a second; else none. */
  async watch(): Promise<void> {
    for (;;) {
      if (document.visibilityState === 'visible') await this.#ask();
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
  }

  /** Its name and what is looked for are in the address, so that it can be sent to somebody. */
  #show(): void {
    const [name = '', ...rest] = location.hash.slice(1).split('/');
    const chosen = VIEWS.some(([view]) => view === name) ? name : 'topology';
    for (const link of place('views').querySelectorAll('a')) {
      const isChosen = link.getAttribute('href') === `#${chosen}`;
      if (isChosen) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    this.#view?.leave?.();
    this.#view = this.#viewOf(chosen, rest.length === 0 ? null : decoded(rest.join('/')));
    fill(place('main'), this.#view.element);
  }

  #viewOf(name: string, rest: string | null): View {
    if (name === 'devices') {
      const go = (id: string) =>
        history.replaceState(null, '', `#devices/${encodeURIComponent(id)}`);
      return deviceView(rest, go);
    }
    if (name === 'live') return liveView(this.#topology);
    if (name === 'dead-letters') return deadLettersView();
    return topologyView(this.#topology, this.#history);
  }

  async #ask(): Promise<void> {
    try {
      this.#history.add(await ask<FlowAnswer>('flow'));
    } catch (error) {
      if (error instanceof Refused && error.status === 401) return askForToken(error);
      place('state').className = 'away';
      fill(place('state'), 'no answer');
      return;
    }
    this.#view?.onFlow?.();
    this.#tell();
  }

  #tell(): void {
    const { connections, troubles } = this.#history.last!;
    const told = (answer: FlowAnswer) => answer.lanes.reduce((sum, lane) => sum + toldBy(lane), 0);
    const rates = [this.#history.rate(eventsIn), this.#history.rate(told)].map(shortRate);
    const [events, notifications] = rates;
    place('state').className = troubles.length === 0 ? 'well' : 'ill';
    fill(
      place('state'),
      `${events} events/s · ${notifications} told/s · ${longCount(connections)} connected`,
    );
    fill(place('troubles'), ...troubles.map((trouble) => el('p', {}, trouble)));
  }
}

/** What a person has written behind # need not be encoded well. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function askForToken(why: unknown): void {
  setToken(null);
  const input = el('input', {
    id: 'token',
    type: 'password',
    required: true,
    autocomplete: 'off',
    placeholder: 'eyJ…',
  });
  const submit = (event: Event) => {
    event.preventDefault();
    setToken(input.value);
    location.reload();
  };
  fill(
    place('main'),
    el(
      'form',
      { submit, class: 'token' },
      el('h2', {}, 'A token of scope operator'),
      el(
        'p',
        {},
        'The command ',
        el('code', {}, 'carillon console'),
        ' prints this page’s address with one.',
      ),
      why === null ? null : failure(why),
      el('label', { for: 'token' }, 'Token'),
      input,
      el('button', {}, 'Open'),
    ),
  );
  fill(place('views'));
  fill(place('state'));
  input.focus();
}

async function open(): Promise<void> {
  if (takeToken() === null) return askForToken(null);
  try {
    const page = new Page(await ask<TopologyAnswer>('topology'));
    await page.watch();
  } catch (error) {
    if (error instanceof Refused && error.status < 500) askForToken(error);
    else fill(place('main'), failure(error));
  }
}

void open();
