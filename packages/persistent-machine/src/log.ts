/** How errors are written to the log. Knows no logger. */
import pino from 'pino';

export const serializers = {
  /** Writes only these properties, because the details of PostgreSQL's errors contain values of rows. */
  err: (error: Error): object => {
    const { type, message, stack, code } = pino.stdSerializers.err(
      error,
    ) as pino.SerializedError & {
      readonly code?: unknown;
    };
    return { type, message, stack, code };
  },
};
