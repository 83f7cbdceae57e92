import { Type, type Static, type TSchema, type TUnsafe } from 'typebox';

/** A reference to a schema that `registerSchemas` made known under its `$id`: the document then has it once. */
export function shared<T extends TSchema>($id: string, _schema: T): TUnsafe<Static<T>> {
  return Type.Unsafe<Static<T>>({ $ref: `${$id}#` });
}
