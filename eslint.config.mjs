// What the compiler cannot see. Type-checked, because an unawaited write is the worst class of bug in this repository.
// Every rule that is switched off or loosened carries its reason.
import js from '@eslint/js';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      '**/node_modules/',
      '**/dist/',
      '**/.cloudcode/',
      'bench/results/',
      'test/fixtures/',
      'test/packages/project/',
      'test/packages/quick/',
      '**/*.d.ts',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    // An expression whose time grows faster than its text holds up the whole process. A search that begins anew at each character (`move`) does so too.
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential', ignorePartial: false }],
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // in the preset, repeated here because the house stands on them
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      // not in the preset
      // Also with a `default`: one that lists nothing would hide a new outcome or state.
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/promise-function-async': 'off', // style only: a function that returns another's promise need not be async
      eqeqeq: 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: 'TSEnumDeclaration',
          message: 'No enums: a union of strings is checked as well and needs no code.',
        },
      ],

      // Numbers are safe in a template (`${port}`); what the rule is for is `${object}` and `${undefined}`, which stay errors.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `() => store.close()` as a handler is the short form this code uses; the value is ignored by the type of the handler.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // An async function without await is how an interface that promises a Promise turns a throw into a rejection.
      '@typescript-eslint/require-await': 'off',
      // Loops without an end are how the runner's loops and the bounded waits are written.
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: 'always' }],
      // `_` marks a parameter that a signature asks for and the body does not need.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // A generic that names the answer of a query (`query<Row>`) is used once by nature.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // Our interfaces are objects of closures, written with method signatures; `this` occurs in a handful of classes only.
      '@typescript-eslint/unbound-method': 'off',
      // V8's frames have a text of their own, which their type does not say.
      '@typescript-eslint/no-base-to-string': [
        'error',
        { ignoredTypeNames: ['CallSite', 'Error', 'RegExp', 'URL', 'URLSearchParams'] },
      ],
      // Control characters are part of what this code parses and escapes (terminal output, queue names).
      'no-control-regex': 'off',
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // An empty class is a case that validation must refuse.
      '@typescript-eslint/no-extraneous-class': 'off',
      // node:test returns a promise from describe() and it() that its own runner awaits.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              package: 'node:test',
              name: ['describe', 'it', 'test', 'suite', 'before', 'after', 'beforeEach', 'afterEach'],
            },
          ],
        },
      ],
    },
  },
  {
    // Scripts that run before anything is built, and the examples' plain JavaScript.
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        URL: 'readonly',
        fetch: 'readonly',
        Buffer: 'readonly',
        performance: 'readonly',
        AbortSignal: 'readonly',
        AbortController: 'readonly',
      },
    },
  },
  {
    // Tasks in plain JavaScript.
    files: ['**/cloudcode/**/*.js'],
    languageOptions: { globals: { CloudCode: 'readonly', DB: 'readonly', Day: 'readonly', Attachment: 'readonly' } },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', module: 'writable', __dirname: 'readonly', __filename: 'readonly' },
    },
  },
  {
    // An older Node reads them: they must parse in Node 10 (whose one exception from 2018 is import()).
    files: ['bin/*.cjs'],
    languageOptions: { ecmaVersion: 2020 },
  },
);
