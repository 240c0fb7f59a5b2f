// Node-RED with one flow: an HTTP request node that asks an address, for each address in the arguments after Node-RED's
// folder. Prints what each came to, as JSON, and ends. Run within a network namespace of its own.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [folder, ...urls] = process.argv.slice(2);
const RED = createRequire(join(folder, "package.json"))(folder);
const here = createServer((_, answer) => answer.end("home"));
await new Promise((resolve) => here.listen(8080, "127.0.0.1", resolve));

const userDir = mkdtempSync(join(tmpdir(), "fieldwatt-door-"));
const flows = [
  { id: "tab", type: "tab", label: "door" },
  ...urls.flatMap((url, i) => [
    {
      ...{
        id: `ask-${i}`,
        type: "http request",
        z: "tab",
        method: "GET",
        ret: "txt",
        url,
        paytoqs: "ignore",
      },
      ...{ senderr: false, wires: [[`end-${i}`]] },
    },
    { id: `end-${i}`, type: "function", z: "tab", func: "return msg;", outputs: 1, wires: [[]] },
  ]),
];
writeFileSync(join(userDir, "flows.json"), JSON.stringify(flows));
RED.init(createServer(), {
  ...{ userDir, flowFile: "flows.json", httpAdminRoot: false, httpNodeRoot: false },
  logging: { console: { level: "off" } },
});
const started = new Promise((resolve) => RED.events.once("flows:started", resolve));
await RED.start();
await started;
const came = {};
for (const [i, url] of urls.entries()) {
  const [ask, end] = [RED.nodes.getNode(`ask-${i}`), RED.nodes.getNode(`end-${i}`)];
  const answered = new Promise((resolve) => end.on("input", (msg) => resolve(String(msg.statusCode))));
  ask.receive({ requestTimeout: 8_000 });
  came[url] = await answered;
}
process.stdout.write(JSON.stringify(came), () => process.exit(0));
