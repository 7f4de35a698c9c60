/** The environment of a program that is a target. */

export const databaseUrl = process.env['DATABASE_URL'] ?? '';
export const poolSize = Number(process.env['POOL_SIZE']);
