/** How a part asks a database something, whatever carries its statements. */

/** Sends a statement outside any transaction. */
export type Ask = <Row extends object>(text: string, values?: readonly unknown[]) => Promise<Row[]>;
