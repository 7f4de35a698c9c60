/** The process of an application of these tests: serves doors and tickets. */
import { serve } from 'persistent-machine/serve';
import { served } from './served';

serve(() => served);
