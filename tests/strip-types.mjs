import { stripTypeScriptTypes } from 'node:module';

/** The transformer of the test runner: the same type stripping that production uses, so tests see the same code. */
export default {
  process: (source) => ({ code: stripTypeScriptTypes(source, { mode: 'strip' }) }),
  processAsync: async (source) => ({ code: stripTypeScriptTypes(source, { mode: 'strip' }) }),
};
