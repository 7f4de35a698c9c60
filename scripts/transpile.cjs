/**
 * Lets Node load our TypeScript while one develops: transpiles what is ours, one file at a time, and leaves what
 * others have published alone. Checks no types; `npm run check` does.
 */
const { transformFileSync } = require('@swc/core');
require.extensions['.ts'] = (module, file) => {
  module._compile(transformFileSync(file).code, file);
};
