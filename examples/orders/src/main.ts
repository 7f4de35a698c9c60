/** The process: serves orders. */
import { serve } from 'persistent-machine/serve';
import type * as application from './application';

// eslint-disable-next-line @typescript-eslint/no-require-imports -- Not before tracing, which must be loaded first.
serve(() => (require('./application') as typeof application).served);
