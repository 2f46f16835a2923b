/** CEL: other languages' words, null, has(), and what is not of the schema. */
import { BASE, type Edit, edited, type Row } from './base.ts';

const WHERE = '\'value.kind != "STARTED"\'';

/** Of ViewingActivity only `deviceId` may be null; of ProfileChange `maturityLevel` and `name`. */
const filter = (what: string, where: string, ...told: readonly string[]): Edit => [
  what,
  WHERE,
  `'${where.replaceAll("'", "''")}'`,
  ...told,
];
const MAPPED =
  'eventId: value.eventId, memberId: value.memberId, profileId: value.profileId, titleId: value.titleId, occurredAt: value.occurredAt, positionSeconds: value.positionSeconds';
/** A filter, and a later one that fails where the text of a device is null. */
const behind = (what: string, before: string, ...told: readonly string[]): Edit => [
  what,
  '- sample: { keep: 99, of: 100 }',
  `- { name: known, ${before} }
      - { name: long, filter: { where: 'value.deviceId.size() > 1' } }`,
  ...told,
];
const rule = (what: string, when: string, ...told: readonly string[]): Edit => [
  what,
  '\'value.kind == "MATURITY_LEVEL_CHANGED"\'',
  `'${when}'`,
  ...told,
];

export const EXPRESSIONS: readonly Row[] = edited(
  [
    filter(
      'two faults beside one another',
      'value.titleId + 1 == "a" && value.knd == 3',
      'CAR311',
      'CAR402',
    ),
    filter(
      'two symbols that are not there',
      'value.kind in ["BEGUN", "ENDED"]',
      'CAR405',
      'CAR405',
    ),
    filter('two functions', 'len(value.titleId) > 1 || value.titleId.foo()', 'CAR311', 'CAR311'),
    filter('a field in what is compared', 'value.knd == value.sort', 'CAR402', 'CAR402'),
    filter('a fault, and what would follow', 'value.knd + 1 == "a"', 'CAR402'),
    filter('a fault beside no condition', 'value.titleId && value.knd == 3', 'CAR311', 'CAR402'),
    filter(
      'behind a word of another language',
      'value.kind == "STOPPED" and value.knd == 3',
      'CAR310',
      'CAR402',
    ),
    filter(
      'three words of another language',
      'value.kind = "STOPPED" or value.kind <> "STARTED"',
      'CAR310',
      'CAR310',
      'CAR310',
    ),
    filter(
      'what never works, twice',
      '!value.deviceId || value.deviceId + 1 == 3',
      'CAR311',
      'CAR311',
    ),
    filter('a text that is no number', 'value.positionSeconds > int("ten")', 'CAR311'),
    filter('a place that a list has not', 'value.titleId == ["a", "b"][2]', 'CAR311'),
    filter('a place before the first', 'value.titleId.split(",")[-1] == "a"', 'CAR311'),
    filter('and', 'value.kind == "STOPPED" and value.positionSeconds > 3', 'CAR310'),
    filter('AND', 'value.kind == "STOPPED" AND value.positionSeconds > 3', 'CAR310'),
    filter('or', 'value.kind == "STOPPED" or value.positionSeconds > 3', 'CAR310'),
    filter('not', 'not value.kind == "STOPPED"', 'CAR310'),
    filter('not in', 'value.kind not in ["STOPPED"]', 'CAR310'),
    filter('one equals sign', 'value.kind = "STOPPED"', 'CAR310'),
    filter('three equals signs', 'value.kind === "STOPPED"', 'CAR310'),
    filter('the other unequal', 'value.kind <> "STOPPED"', 'CAR310'),
    filter('is null', 'value.deviceId is null', 'CAR310'),
    filter('IS NOT NULL', 'value.deviceId IS NOT NULL', 'CAR310'),
    filter('like', 'value.titleId like "a%"', 'CAR310'),
    filter('between', 'value.positionSeconds between 1 and 2', 'CAR310'),
    filter('one ampersand', 'value.positionSeconds > 1 & value.positionSeconds < 3', 'CAR310'),
    filter('one bar', 'value.positionSeconds > 1 | value.positionSeconds < 3', 'CAR310'),
    filter('a pattern', 'value.titleId =~ "a.*"', 'CAR310'),
    filter('a question mark', 'value.deviceId?.size() > 1', 'CAR310'),
    filter('two question marks', 'value.deviceId ?? "a" == "a"', 'CAR310'),
    filter('if', 'if value.positionSeconds > 1 then true else false', 'CAR310'),
    filter('a semicolon', 'value.positionSeconds > 1;', 'CAR310'),
    filter('curly quotes', 'value.kind == “STOPPED”', 'CAR310'),
    filter('backquotes', 'value.kind == `STOPPED`', 'CAR310'),
    filter('a dollar', '$value.kind == "STOPPED"', 'CAR310'),
    filter('a no-break space', 'value.kind\u00a0== "STOPPED"', 'CAR310'),
    filter('it ends early', 'value.kind ==', 'CAR310'),
    filter('a bracket that stays open', '(value.kind == "STOPPED"', 'CAR310'),
    filter('None', 'value.deviceId == None', 'CAR311'),
    filter('nil', 'value.deviceId != nil', 'CAR311'),
    filter('undefined', 'value.deviceId != undefined', 'CAR311'),
    filter('True', '(value.positionSeconds > 1) == True', 'CAR311'),
    filter('event for value', 'event.kind == "STOPPED"', 'CAR311'),
    filter('a field alone', 'kind == "STOPPED"', 'CAR311'),
    filter('len()', 'len(value.titleId) > 1', 'CAR311'),
    filter('length', 'value.titleId.length > 1', 'CAR311'),
    filter('includes()', 'value.titleId.includes("a")', 'CAR311'),
    filter('equals()', 'value.titleId.equals("a")', 'CAR311'),
    filter('startswith()', 'value.titleId.startswith("a")', 'CAR311'),
    filter('now()', 'timestamp > now()', 'CAR311'),
    filter('a number against a text', 'value.titleId == 3', 'CAR311'),
    filter('null of what is never null', 'value.titleId == null', 'CAR311'),
    filter('a field that is not there', 'value.title == "a"', 'CAR402'),
    filter('a field of a field', 'value.titleId.kind == "a"', 'CAR311'),
    filter('a symbol that is not there', 'value.kind == "ENDED"', 'CAR405'),
    filter('a symbol among others', 'value.kind in ["STOPPED", "ENDED"]', 'CAR405'),
    filter('matches()', 'value.titleId.matches("a*")', 'CAR313'),
    filter('no predicate', 'value.titleId', 'CAR312'),
    filter('a number is no predicate', 'value.positionSeconds + 1', 'CAR312'),
    filter('a method of null', 'value.deviceId.startsWith("tv")', 'CAR316'),
    filter('a function of null', 'size(value.deviceId) > 1', 'CAR316'),
    filter('null is added to', 'value.deviceId + "x" == "tvx"', 'CAR316'),
    filter('null as an argument', 'value.titleId.contains(value.deviceId)', 'CAR316'),
    filter(
      'the check is for another',
      'value.titleId != "a" && value.deviceId.size() > 1',
      'CAR316',
    ),
    filter(
      'or with the wrong check',
      'value.deviceId != null || value.deviceId.size() > 1',
      'CAR316',
    ),
    behind('a filter knows', "filter: { where: 'value.deviceId != null' }"),
    behind(
      'a filter knows only of one side',
      "filter: { where: 'value.deviceId != null || value.positionSeconds > 3' }",
      'CAR316 name: long',
    ),
    behind(
      'a filter knows of null',
      "filter: { where: 'value.deviceId == null' }",
      'CAR316 name: long',
    ),
    behind(
      'a filter knows of another',
      "filter: { where: 'value.titleId != value.profileId' }",
      'CAR316 name: long',
    ),
    behind(
      'a map brings what a filter knows',
      `filter: { where: 'value.deviceId != null' } }
      - { name: same, map: { fields: { ${MAPPED}, deviceId: value.deviceId } }`,
    ),
    behind(
      'what a filter knows is of another field',
      `map: { fields: { ${MAPPED}, one: value.deviceId, two: value.deviceId } } }
      - { name: one, filter: { where: 'value.one != null' } }
      - { name: turned, map: { fields: { ${MAPPED}, deviceId: value.two } }`,
      'CAR316 name: long',
    ),
    filter('has() of a field', 'has(value.titleId)', 'CAR317'),
    filter('has() of what may be null', 'has(value.deviceId)', 'CAR317'),
    filter(
      'has() as a check for null',
      'has(value.deviceId) && value.deviceId.size() > 1',
      'CAR317',
    ),
    filter('null is checked before', 'value.deviceId != null && value.deviceId.size() > 1'),
    filter('null is checked after', 'value.deviceId.size() > 1 && value.deviceId != null'),
    filter('null passes', 'value.deviceId == null || value.deviceId.size() > 1'),
    filter('null is chosen', 'value.deviceId == null ? false : value.deviceId.size() > 1'),
    filter('not null, said otherwise', '!(value.deviceId == null) && value.deviceId.size() > 1'),
    filter('equal to a text', 'value.deviceId == "tv" && value.deviceId.size() > 1'),
    filter('one of several', 'value.deviceId in ["tv", "ph"] && value.deviceId.size() > 1'),
    filter('null is compared', 'value.deviceId != "tv"'),
    filter('words in a text', 'value.titleId == "this and that or = not"'),
    filter('a key and a time', 'key == value.memberId && timestamp > 5'),
    rule('a rule on a number that may be null', 'value.maturityLevel >= 16', 'CAR316'),
    rule('a rule that minds null', 'value.maturityLevel != null && value.maturityLevel >= 16'),
    rule('a rule on arithmetic with null', 'value.maturityLevel - 2 == 14', 'CAR316'),
    rule('a rule with and', 'value.kind == "RENAMED" and value.maturityLevel > 12', 'CAR310'),
    rule('a rule on a text', 'value.kind', 'CAR312'),
    rule('a rule that names no field', 'value.knd == "RENAMED"', 'CAR402'),
  ],
  BASE,
);
