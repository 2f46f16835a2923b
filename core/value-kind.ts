/**
 * What a value of a schema can be, for options that take some of these: whole numbers are `int`,
 * others `double`, `fixed` is `bytes`; `union` is one whose values stand under their branch's name.
 */
export type ValueKind =
  | 'string'
  | 'enum'
  | 'int'
  | 'double'
  | 'bool'
  | 'bytes'
  | 'list'
  | 'map'
  | 'record'
  | 'union';
