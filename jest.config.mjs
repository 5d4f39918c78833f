/** Tests run the sources as Node does: types stripped, nothing compiled. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/tests/**/*.test.ts', '<rootDir>/src/**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/tests/browser/',
    '<rootDir>/tests/chaos/',
    '<rootDir>/tests/conformance/',
    '<rootDir>/tests/counterparts/',
    '<rootDir>/tests/hapi/',
  ],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/tests/strip-types.mjs' },
  globalSetup: '<rootDir>/tests/log/before.ts',
  setupFiles: ['<rootDir>/tests/log/keep.mjs'],
  globalTeardown: '<rootDir>/tests/log/after.ts',
  // Generous, because nothing is timed here and a machine may be busy.
  testTimeout: 120_000,
  maxWorkers: 2,
};
