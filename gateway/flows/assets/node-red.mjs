// Node-RED within a process of its own, started by gateway/flows/node-red.ts and told over a channel what it needs:
// no secret is in its environment or its arguments, where a flow could read it. Plain JavaScript, no packages but
// Node-RED's own.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

/** How long a yes of the gateway stands, ms: whoever signs out there is out here within it. */
const SESSION_MS = 3_000;
const COOKIE = "fieldwatt-editor";

process.once("message", (told) => {
  start(told).catch((error) => {
    console.error(error);
    process.exit(1);
  });
});
// The gateway is gone, however that came.
process.once("disconnect", () => process.exit(0));

async function start({ package: folder, userDir, host, port, credentialSecret, gateway }) {
  const load = createRequire(join(folder, "package.json"));
  const express = load("express");
  const RED = load(folder);
  const app = express();
  const server = createServer(app);
  const isOperator = askGateway(gateway);
  RED.init(server, {
    userDir,
    flowFile: "flows.json",
    flowFilePretty: true,
    credentialSecret,
    httpAdminRoot: "/",
    httpNodeRoot: "/endpoint",
    uiHost: host,
    uiPort: port,
    adminAuth: {
      type: "credentials",
      // No name and no password is good here: who the gateway knows as its operator comes with a token of its own.
      users: async () => null,
      authenticate: async () => null,
      tokens: async (token) =>
        (await isOperator(token)) ? { username: "operator", permissions: "*" } : null,
    },
    httpAdminMiddleware: admit(isOperator, gateway),
    // Values that a flow keeps go to disk as a whole or not at all.
    contextStorage: { default: { module: "memory" }, disk: { module: "localfilesystem" } },
    functionExternalModules: false,
    functionGlobalContext: {},
    // Nodes of others come by the machine's operator, with npm in the folder: the editor asks the internet for nothing.
    editorTheme: {
      page: { title: "Fieldwatt flows" },
      header: { title: "Fieldwatt flows" },
      palette: { editable: false, catalogues: [] },
      tours: false,
      projects: { enabled: false },
    },
    externalModules: {
      autoInstall: false,
      palette: { allowInstall: false, allowUpdate: false, allowUpload: false },
      modules: { allowInstall: false },
    },
    telemetry: { enabled: false, updateNotification: false },
    diagnostics: { enabled: false, ui: false },
    runtimeState: { enabled: true, ui: true },
    logging: { console: { level: "warn", metrics: false, audit: false } },
    fieldwatt: gateway,
  });
  app.use("/endpoint", RED.httpNode);
  app.use("/", RED.httpAdmin);
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  await RED.start();
  process.send({ event: "ready", port: server.address().port });
  process.once("SIGTERM", () => {
    RED.stop().finally(() => process.exit(0));
  });
}

/**
 * The editor's page is for who comes with a pass: the portal gives it in the address, the editor keeps it and asks for
 * the page again without it. Everybody else is sent to the portal, which asks who they are.
 */
function admit(isOperator, gateway) {
  return (request, response, next) => {
    const { access_token: pass } = request.query;
    if (request.path !== "/") return next();
    if (typeof pass === "string") {
      response.cookie(COOKIE, pass, { httpOnly: true, sameSite: "lax", path: "/" });
      return next();
    }
    const kept = new RegExp(`(?:^|; )${COOKIE}=([\\w-]+)`).exec(request.headers.cookie ?? "")?.[1];
    (kept === undefined ? Promise.resolve(false) : isOperator(kept)).then((yes) =>
      yes
        ? next()
        : response.redirect(302, new URL("/operator/flows/editor", outward(gateway, request)).href),
    );
  };
}

/** The page's address as the browser sees it: the host by which it came here, and the gateway's port. */
function outward({ url }, request) {
  const own = new URL(url);
  own.hostname = new URL(`http://${request.headers.host ?? own.host}`).hostname;
  return own;
}

/** Whether a token is of the operator's session; one question at a time for each, and its answer for a moment. */
function askGateway({ url, token: own }) {
  const known = new Map();
  return (token) => {
    const found = known.get(token);
    if (found !== undefined && performance.now() - found.at < SESSION_MS) return found.answer;
    if (known.size > 100) known.clear();
    const answer = fetch(new URL("/api/flows/v1/editor-session", url), {
      method: "POST",
      headers: { authorization: `Bearer ${own}`, "content-type": "application/json" },
      body: JSON.stringify({ token }),
    }).then(
      ({ status }) => status === 204,
      () => false,
    );
    known.set(token, { at: performance.now(), answer });
    return answer;
  };
}
