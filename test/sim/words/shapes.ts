/** filter, peek, flat_map, rekey, branch, merge, sample and map: what each record becomes. */
import { START_MS } from '../../kit/drive.ts';
import type { Chance } from '../chance.ts';
import {
  type Feed,
  type Happening,
  lineOf,
  type Model,
  type Plain,
  record,
  type World,
  writtenTo,
} from './world.ts';

const FEEDS = 90;
const SHOPS = 6;
const CUSTOMERS = 7;
const ITEMS = ['gift', 'book', 'pen', 'ink'] as const;

const ORDER = record('Order', {
  id: 'string',
  customer: ['null', 'string'],
  cents: 'int',
  at: 'long',
  items: ['null', { type: 'array', items: ['null', 'string'] }],
});
const LINE = record('Line', {
  item: 'string',
  id: 'string',
  customer: ['null', 'string'],
  cents: 'int',
});
const TOLD = record('Told', { id: 'string', what: 'string' });

const TOPOLOGY = `topology: shapes
streams:
  orders:
    id: or
    from: { topic: orders, schema: Order, time: value.at, id: value.id }
    steps:
      - filter: { where: value.cents > 10 }
      - peek: {}
      - flat_map:
          { of: value.items, as: item, with: { id: value.id, customer: value.customer, cents: value.cents } }
      - rekey: { by: value.customer, schema: Line }
    branch:
      - { when: 'value.item == "gift"', as: gifts }
      - { when: value.cents >= 50, as: dear }
  gifts:
    id: gi
    from: { streams: [orders.gifts] }
    steps:
      - map: { fields: { id: value.id, what: '"gift for " + key' } }
    to: { topic: gifts, schema: Told }
  told:
    id: to
    from: { streams: [orders.dear, orders.gifts] }
    steps:
      - sample: { keep: 1, of: 1 }
      - map: { fields: { id: value.id, what: value.item } }
    to: { topic: told, schema: Told }
`;

interface Order extends Plain {
  readonly id: string;
  readonly customer: string | null;
  readonly cents: number;
  readonly items: readonly (string | null)[] | null;
}

class Shapes implements Model {
  readonly lines: string[] = [];
  readonly dropped = { filtered: 0, no_elements: 0 };

  act(happening: Happening): void {
    if (happening.kind !== 'feed') return;
    const { value, at } = happening;
    const { id, customer, cents, items } = value as Order;
    if (cents <= 10) {
      this.dropped.filtered++;
      return;
    }
    const there = (items ?? []).filter((item) => item !== null);
    if (there.length === 0) this.dropped.no_elements++;
    for (const item of there) {
      if (customer === null) continue;
      const isGift = item === 'gift';
      if (isGift)
        this.lines.push(lineOf('gifts', customer, { id, what: `gift for ${customer}` }, at));
      if (isGift || cents >= 50) this.lines.push(lineOf('told', customer, { id, what: item }, at));
    }
  }
}

function order(chance: Chance, n: number, at: number): Feed {
  const items = chance.is(0.1)
    ? null
    : Array.from({ length: chance.below(4) }, () => (chance.is(0.1) ? null : chance.pick(ITEMS)));
  const customer = chance.is(0.08) ? null : `c-${chance.below(CUSTOMERS)}`;
  const value = { id: `o-${n}`, customer, cents: chance.below(100), at: START_MS + at, items };
  return { kind: 'feed', topic: 'orders', key: `s-${chance.below(SHOPS)}`, value, at };
}

export const shapes: World = {
  name: 'shapes',
  topology: TOPOLOGY,
  schemas: [ORDER, LINE, TOLD],
  draw(chance) {
    return Array.from({ length: FEEDS }, (_, n) => order(chance, n, n * 10));
  },
  model: () => new Shapes(),
  told: (driven) => writtenTo(driven, ['gifts', 'told']),
};
