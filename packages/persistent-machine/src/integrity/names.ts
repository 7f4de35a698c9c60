/** Names and constants in SQL: how PostgreSQL reads them. It knows no particular name. */

/** The most bytes of a name. PostgreSQL silently truncates longer ones. */
const LONGEST = 63;

/** The words that PostgreSQL takes for a name only if they are quoted. */
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

/** Quotes a name only where it must be, as `quote_ident` of PostgreSQL does. */
export function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name)
    ? name
    : `"${name.replaceAll('"', '""')}"`;
}

/** A text as an SQL constant. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Texts as a list of SQL constants, for `IN (…)`. */
export function literals(texts: Iterable<string>): string {
  return [...texts].map(literal).join(', ');
}

/** Turns `PurchaseOrder` and `purchaseOrder` into `purchase_order`. */
export function snakeCase(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_').toLowerCase();
}

/**
 * @returns the same name
 * @throws Error if PostgreSQL would truncate it
 */
export function checked(name: string): string {
  const { length } = Buffer.from(name);
  if (length <= LONGEST) return name;
  throw new Error(
    `The database would need the name ${name}, which is longer than the ${LONGEST} bytes that PostgreSQL keeps: ` +
      'shorten the name of the machine, its plural or its column.',
  );
}
