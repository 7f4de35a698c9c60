/** Runs statements for the checks at start, whichever driver or ORM carries them. */

/** Sends a statement outside any transaction. */
export type Ask = <Row extends object>(text: string, values?: readonly unknown[]) => Promise<Row[]>;
