/** The tables of records, as TypeORM entities. History and ledger follow from them. */
export * from './Life';
