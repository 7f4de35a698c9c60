/** Names as SQL has them. Knows how PostgreSQL reads a name, and none of the names. */

/** The most characters of a name; PostgreSQL silently cuts off what is longer. */
const LONGEST = 63;

/** The words that PostgreSQL does not take for a name unless they are quoted. */
const RESERVED = new Set(
  `all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast
   char character check coalesce collate collation column concurrently constraint create cross current_catalog
   current_date current_role current_schema current_time current_timestamp current_user dec decimal default
   deferrable desc distinct do else end except exists extract false fetch float for foreign freeze from full grant
   greatest group grouping having ilike in initially inner inout int integer intersect interval into is isnull join
   json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize
   json_table json_value lateral leading least left like limit localtime localtimestamp merge_action national natural
   nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay placing
   position precision primary real references returning right row select session_user setof similar smallint some
   substring symmetric system_user table tablesample then time timestamp to trailing treat trim true union unique
   user using values varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists
   xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable`.split(/\s+/),
);

/** @returns the name as PostgreSQL's `quote_ident` gives it: quoted only where it must be */
export function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name)
    ? name
    : `"${name.replaceAll('"', '""')}"`;
}

/** @returns a text as a constant */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** @returns texts as a list of constants, for `IN (…)` */
export function literals(texts: Iterable<string>): string {
  return [...texts].map(literal).join(', ');
}

/** @returns `PurchaseOrder` and `purchaseOrder` as `purchase_order` */
export function snakeCase(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_').toLowerCase();
}

/**
 * @returns the same name
 * @throws Error where PostgreSQL would cut it off
 */
export function checked(name: string): string {
  const { length } = Buffer.from(name);
  if (length <= LONGEST) return name;
  throw new Error(
    `The database would need the name ${name}, which is longer than the ${LONGEST} bytes that PostgreSQL keeps: ` +
      'shorten the name of the machine, its plural or its column.',
  );
}
