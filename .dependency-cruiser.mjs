// The table of imports in ARCHITECTURE.md, as a check. A folder may import itself and what its row names.
const allowed = {
  domain: [],
  protocol: ["domain"],
  platform: ["domain", "protocol"],
  drivers: ["domain", "platform"],
  gateway: ["domain", "protocol", "platform", "drivers"],
  federation: ["domain", "protocol", "platform"],
  simulators: ["domain/model", "platform", "drivers/devices"],
};
const folders = Object.keys(allowed);

const rows = folders.map((folder) => ({
  name: `${folder}-imports`,
  severity: "error",
  comment: `${folder}/ may import only itself${allowed[folder].map((f) => ` and ${f}/`).join("")}`,
  from: { path: `^${folder}/`, pathNot: "\\.test\\.ts$" },
  to: {
    path: `^(${[...folders, "cli", "test", "bench"].join("|")})/`,
    pathNot: [`^${folder}/`, ...allowed[folder].map((f) => `^${f}/`)],
  },
}));

export default {
  forbidden: [
    ...rows,
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "domain-is-pure",
      comment: "domain/ knows no I/O, no clock, no randomness, no schema library",
      severity: "error",
      from: { path: "^domain/", pathNot: "\\.test\\.ts$" },
      to: { dependencyTypes: ["core", "npm"] },
    },
    {
      name: "dev-dependency-in-product",
      severity: "error",
      from: { path: `^(${folders.join("|")}|cli)/`, pathNot: "\\.test\\.ts$" },
      to: { dependencyTypes: ["npm-dev"] },
    },
    { name: "not-resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    exclude: { path: "^(node_modules|dist|docs|\\.fieldwatt)" },
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".mjs", ".js"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
    },
  },
};
