/** esbuild bundles style sheets into a separate file. */
declare module '*.css';
