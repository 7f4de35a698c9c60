/** What a program that is a target was told when it was started. */

export const databaseUrl = process.env['DATABASE_URL'] ?? '';
export const poolSize = Number(process.env['POOL_SIZE']);
