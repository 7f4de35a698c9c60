/** What a line of the log says of an error, whoever writes it. */
import pino from 'pino';

export const serializers = {
  /** PostgreSQL's errors have the values of rows in their details: of an error only what is named here is told. */
  err: (error: Error): object => {
    const { type, message, stack, code } = pino.stdSerializers.err(
      error,
    ) as pino.SerializedError & {
      readonly code?: unknown;
    };
    return { type, message, stack, code };
  },
};
