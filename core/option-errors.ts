/** Codes of options and expressions (3xx), with their mends. */
import type { ErrorEntry } from './error-entry.ts';

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: as topologies write variables.
export const OPTION_ERRORS = {
  CAR301: {
    slug: 'unknown-option',
    what: 'A step or sink does not have such an option.',
    mend: 'See its options: carillon explain <type>',
  },
  CAR302: {
    slug: 'missing-option',
    what: 'An option that has no default is missing.',
    mend: 'Give it.',
  },
  CAR303: {
    slug: 'wrong-type',
    what: 'The value of an option has another type.',
    mend: 'Write it in the form that the message names.',
  },
  CAR304: {
    slug: 'no-unit',
    what: 'A duration has no unit, or is no whole number of milliseconds.',
    mend: 'Write 500ms, 30s, 2m, 24h or 7d.',
  },
  CAR305: {
    slug: 'out-of-bounds',
    what: 'The value of an option is below or above its bounds.',
    mend: 'Choose a value within the bounds.',
  },
  CAR306: {
    slug: 'not-a-choice',
    what: 'The value of an option is not one of its choices.',
    mend: 'Write one of the choices that the message lists.',
  },
  CAR307: {
    slug: 'bad-size',
    what: 'A size in bytes has no unit, or is no whole number of bytes.',
    mend: 'Write 512B, 64KiB or 1MiB.',
  },
  CAR308: {
    slug: 'not-a-path',
    what: 'A text is not a path to a field.',
    mend: 'Write value.<field>, key or timestamp.',
  },
  CAR309: {
    slug: 'secret-in-file',
    what: 'A secret stands in the file itself.',
    mend: 'Put it into the environment, and write ${NAME}.',
  },
  CAR310: {
    slug: 'expression-syntax',
    what: 'An expression is not CEL.',
    mend: 'The grammar is at https://cel.dev.',
  },
  CAR311: {
    slug: 'expression-type',
    what: 'An expression does not fit the types of the schema.',
    mend: 'Compare the types of both sides with the schema.',
  },
  CAR312: {
    slug: 'not-a-predicate',
    what: 'An expression that decides does not give true or false.',
    mend: 'Compare with something: value.kind == "ADDED".',
  },
  CAR313: {
    slug: 'matches-forbidden',
    what: 'An expression uses matches(), a regular expression without a bound.',
    mend: 'Use startsWith, endsWith, contains or ==.',
  },
  CAR314: {
    slug: 'listed-twice',
    what: 'A value stands twice in a list.',
    mend: 'Remove one.',
  },
  CAR315: {
    slug: 'dedup-not-by-key',
    what: 'The identity of a dedup is not derived from the key.',
    mend: "Add the key's path to `by`, or name the id in `from.id`: copies on two partitions are not seen.",
  },
  CAR316: {
    slug: 'fails-on-null',
    what: 'An expression fails where a field that it reads is null.',
    mend: 'Say what null means: value.age != null && value.age >= 16.',
  },
  CAR317: {
    slug: 'has-never-false',
    what: 'has() asks for a field that a record of the schema always has.',
    mend: 'Compare with null: value.name != null.',
  },
  CAR318: {
    slug: 'fails-on-a-type',
    what: 'An expression fails where a field of several types is of one of them.',
    mend: 'Say what it is: type(value.amount) == int && value.amount > 3.',
  },
  CAR319: {
    slug: 'key-may-be-missing',
    what: 'An expression fails on a map that has not the key that it asks for.',
    mend: 'Ask for it first: "a" in value.labels && value.labels["a"] == "x".',
  },
  CAR320: {
    slug: 'gathers-members',
    what: 'A step makes one record of what comes of different members.',
    mend: "Add the key's path to `by`, so that each member has its own.",
  },
  CAR321: {
    slug: 'counts-members',
    what: 'A step takes records of different members as those of one.',
    mend: "Add the key's path to `by`, so that each member has its own.",
  },
  CAR325: {
    slug: 'keys-differ',
    what: 'What is joined by key has keys that do not mean the same.',
    mend: 'Give both sides the same key, with rekey or `by`.',
  },
  CAR326: {
    slug: 'null-does-not-fit',
    what: 'A value that may be null goes where its schema has no null.',
    mend: 'Say what null means: value.a != null ? value.a : "…". Or filter it out before.',
  },
  CAR327: {
    slug: 'retracted-unread',
    what: 'Results that an aggregate takes back are taken for new ones.',
    mend: "Add - filter: { where: '!value.retracted' } behind the aggregate, or read `retracted`.",
  },
  CAR328: {
    slug: 'key-may-be-null',
    what: 'The field that repeats the key of a table may be null, and no key is.',
    mend: 'Name a field that always has a value, or take null out of its type.',
  },
  CAR350: {
    slug: 'not-a-time-of-day',
    what: 'An option that takes a time of day has something else.',
    mend: 'Write hours and minutes of 24 hours, as 22:00 or 07:30.',
  },
  CAR352: {
    slug: 'too-many-priorities',
    what: 'A topology declares no priority at all, or more than 8.',
    mend: 'Declare 1 to 8, most urgent first; or leave `priorities` out, and have critical, high, normal, low.',
  },
  CAR353: {
    slug: 'not-a-priority-name',
    what: 'The name of a priority cannot be a part of topics, groups and schemas.',
    mend: 'Take one word of lower-case letters and digits that begins with a letter, at most 32, and is no word of roles.',
  },
  CAR354: {
    slug: 'too-many-device-classes',
    what: 'A topology declares no class of device at all, or more than 24.',
    mend: "Name 1 to 24; or leave `device_classes` out, and have RENO's: mobile, tablet, tv, stick, set-top, web.",
  },
  CAR355: {
    slug: 'not-a-device-class-name',
    what: 'The name of a class of device cannot be one.',
    mend: 'Take lower-case letters and digits, words apart by hyphens, at most 32 characters; `all` stands for every class.',
  },
  CAR356: {
    slug: 'not-an-identity-field',
    what: 'The field that names members or devices cannot be a field of an event.',
    mend: 'Name the field alone, as customerId: letters, digits and _; member and device have two names.',
  },
  CAR357: {
    slug: 'not-a-text-key',
    what: "The key of the app's own texts does not tell use cases apart.",
    mend: 'Write {use_case} in it once, as bank.{use_case}: at most 128 plain characters, no spaces.',
  },
  CAR358: {
    slug: 'no-such-identity-field',
    what: 'No event of the topology has the field that is said to name its member.',
    mend: 'Name a field of the events; else the keys of events are not checked against it.',
  },
  CAR351: {
    slug: 'unknown-time-zone',
    what: 'A time zone is not in the IANA database.',
    mend: 'Write a name of the IANA database, as Europe/Berlin or UTC.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
