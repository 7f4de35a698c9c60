/** The tables of records, as TypeORM entities. Those of the history and the ledger are derived from them. */
export * from './Life';
