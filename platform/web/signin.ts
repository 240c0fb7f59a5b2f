import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { html } from "hono/html";
import type { Accounts, Person, SignInOutcome } from "./accounts.ts";
import type { Assets } from "./assets.ts";
import { isLanguage, type Language } from "./language.ts";
import { signInMessages, type SignInMessages } from "./messages.ts";
import { languageFor, type Sessions } from "./session.ts";
import { renderPage, type Html } from "./shell.ts";

/**
 * How people come in: a one-time link, a claim code with which a member sets a PIN, then name and PIN (an operator:
 * name and password). Every form works without JavaScript.
 */
export interface SignInOptions {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly assets: Assets;
  readonly product: string;
  /** Where a person lands after signing in. */
  home(person: Person): string;
}

const FORM_BYTES_MAX = 16 * 1024;
const PIN = /^\d{4,8}$/;
const PASSWORD_MIN = 10;
const PASSWORD_MAX = 200;

/** Routes: /once/:token, /sign-in, /claim, /sign-out, /secret, /language. */
export function signInRoutes(options: SignInOptions): Hono {
  const routes = new Hono();
  routes.use("*", bodyLimit({ maxSize: FORM_BYTES_MAX }));
  onceRoutes(routes, options);
  signInFormRoutes(routes, options);
  claimRoutes(routes, options);
  secretRoutes(routes, options);
  routes.post("/sign-out", (c) => {
    options.sessions.end(c);
    return c.redirect("/sign-in", 303);
  });
  routes.post("/language", async (c) => {
    const person = options.sessions.personOf(c);
    const { language } = await c.req.parseBody();
    if (person && isLanguage(language)) options.accounts.setLanguage(person.id, language);
    return c.redirect(person ? options.home(person) : "/sign-in", 303);
  });
  return routes;
}

/** One line on a page for who came by a link and has no secret yet; nothing for everybody else. */
export function secretNotice(person: Person, language: Language): Html {
  if (person.hasSecret) return html``;
  const t = signInMessages[language];
  const operator = person.role === "operator";
  return html`<p class="notice">
    ${operator ? t.noPasswordYet : t.noPinYet}
    <a href="/secret">${operator ? t.choosePassword : t.choosePin}</a>
  </p>`;
}

/**
 * Opening the link shows a page that sends a form at once: a preview that only fetches the address does not use the
 * link up, and without JavaScript there is the button.
 */
function onceRoutes(routes: Hono, options: SignInOptions): void {
  routes.get("/once/:token", (c) => {
    const t = signInMessages[languageFor(c)];
    return show(c, options, {
      title: t.opening,
      body: html`<form method="post" data-send-at-once>
        <p>${t.openingHint}</p>
        <button>${t.goOn}</button>
      </form>`,
    });
  });
  routes.post("/once/:token", (c) => {
    const person = options.accounts.useLink(c.req.param("token"));
    if (!person) return refuse(c, options, (t) => t.linkRefused);
    options.sessions.start(c, person);
    return c.redirect(options.home(person), 303);
  });
}

function signInFormRoutes(routes: Hono, options: SignInOptions): void {
  const form = (c: Context, problem?: string, id = "") => {
    const t = signInMessages[languageFor(c)];
    return show(c, options, {
      title: t.signIn,
      ...(problem !== undefined && { problem }),
      body: html`<form method="post" action="/sign-in">
          ${field({ name: "id", label: t.name, hint: t.nameHint, value: id, autocomplete: "username" })}
          ${field({ name: "secret", label: t.secret, type: "password", autocomplete: "current-password" })}
          <button>${t.signIn}</button>
        </form>
        <p><a href="/claim">${t.haveCode}</a></p>`,
    });
  };
  routes.get("/sign-in", (c) => {
    const person = options.sessions.personOf(c);
    return person ? c.redirect(options.home(person), 303) : form(c);
  });
  routes.post("/sign-in", async (c) => {
    const { id, secret } = await c.req.parseBody();
    const outcome = await options.accounts.signIn(text(id), text(secret));
    return finish(
      c,
      options,
      outcome,
      (problem) => form(c, problem, text(id)),
      (t) => t.refused,
    );
  });
}

function claimRoutes(routes: Hono, options: SignInOptions): void {
  const form = (c: Context, problem?: string, code = "") => {
    const t = signInMessages[languageFor(c)];
    return show(c, options, {
      title: t.claim,
      ...(problem !== undefined && { problem }),
      body: html`<form method="post" action="/claim">
        ${field({ name: "code", label: t.claimCode, hint: t.claimHint, value: code, autocomplete: "one-time-code" })}
        ${field({ name: "pin", label: t.pin, hint: t.pinHint, type: "password", autocomplete: "new-password", numeric: true })}
        <button>${t.save}</button>
      </form>`,
    });
  };
  routes.get("/claim", (c) => form(c));
  routes.post("/claim", async (c) => {
    const { code, pin } = await c.req.parseBody();
    if (!PIN.test(text(pin))) return form(c, signInMessages[languageFor(c)].pinRule, text(code));
    const outcome = await options.accounts.claim(text(code), text(pin));
    return finish(
      c,
      options,
      outcome,
      (problem) => form(c, problem, text(code)),
      (t) => t.codeRefused,
    );
  });
}

/** Choosing the first secret after a one-time link, or another one later (then the present one is asked for). */
function secretRoutes(routes: Hono, options: SignInOptions): void {
  const form = (c: Context, person: Person, problem?: string) => {
    const t = signInMessages[languageFor(c, person)];
    const pin = person.role === "member";
    const present = field({
      name: "present",
      label: t.currentSecret,
      type: "password",
      autocomplete: "current-password",
    });
    return show(c, options, {
      title: pin ? t.choosePin : t.choosePassword,
      ...(problem !== undefined && { problem }),
      body: html`<form method="post" action="/secret">
        ${person.hasSecret ? present : ""}
        ${field({
          name: "secret",
          label: pin ? t.pin : t.password,
          hint: pin ? t.pinHint : t.passwordHint,
          type: "password",
          autocomplete: "new-password",
          numeric: pin,
        })}
        <button>${t.save}</button>
      </form>`,
    });
  };
  routes.get("/secret", (c) => {
    const person = options.sessions.personOf(c);
    return person ? form(c, person) : c.redirect("/sign-in", 303);
  });
  routes.post("/secret", async (c) => {
    const person = options.sessions.personOf(c);
    if (!person) return c.redirect("/sign-in", 303);
    const body = await c.req.parseBody();
    const problem = await changeSecret(c, options, person, {
      present: text(body.present),
      secret: text(body.secret),
    });
    return problem === undefined ? c.redirect(options.home(person), 303) : form(c, person, problem);
  });
}

async function changeSecret(
  c: Context,
  { accounts, sessions }: SignInOptions,
  person: Person,
  typed: { readonly present: string; readonly secret: string },
): Promise<string | undefined> {
  const t = signInMessages[languageFor(c, person)];
  if (person.role === "member" && !PIN.test(typed.secret)) return t.pinRule;
  const { length } = typed.secret;
  if (person.role === "operator" && (length < PASSWORD_MIN || length > PASSWORD_MAX)) return t.passwordRule;
  if (person.hasSecret) {
    const outcome = await accounts.signIn(person.id, typed.present);
    if (outcome.kind !== "signedIn") return sentence(t, outcome, t.refused);
  }
  await accounts.setSecret(person.id, typed.secret);
  accounts.closeSessions(person.id);
  sessions.start(c, person);
  return undefined;
}

function finish(
  c: Context,
  { sessions, home }: SignInOptions,
  outcome: SignInOutcome,
  again: (problem: string) => Response | Promise<Response>,
  refused: (t: SignInMessages) => string,
): Response | Promise<Response> {
  const t = signInMessages[languageFor(c)];
  if (outcome.kind !== "signedIn") return again(sentence(t, outcome, refused(t)));
  sessions.start(c, outcome.person);
  return c.redirect(home(outcome.person), 303);
}

const sentence = (
  t: SignInMessages,
  outcome: Exclude<SignInOutcome, { kind: "signedIn" }>,
  refused: string,
): string => (outcome.kind === "wait" ? t.wait.replace("{n}", String(outcome.seconds)) : refused);

const refuse = (c: Context, options: SignInOptions, because: (t: SignInMessages) => string) => {
  const t = signInMessages[languageFor(c)];
  return show(c, options, {
    title: t.signIn,
    problem: because(t),
    body: html`<p><a href="/sign-in">${t.signIn}</a></p>`,
  });
};

function show(
  c: Context,
  { assets, product }: SignInOptions,
  page: { readonly title: string; readonly body: Html; readonly problem?: string },
): Response | Promise<Response> {
  const { title, body, problem } = page;
  const alert = problem === undefined ? "" : html`<p class="notice problem" role="alert">${problem}</p>`;
  const card = html`<section class="card narrow">
    <h1>${title}</h1>
    ${alert}${body}
  </section>`;
  return c.html(
    renderPage({ assets, product, title, language: languageFor(c), body: card }),
    problem === undefined ? 200 : 403,
  );
}

interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly type?: "text" | "password";
  readonly value?: string;
  readonly autocomplete: string;
  readonly numeric?: boolean;
}

const field = ({
  name,
  label,
  hint,
  type = "text",
  value = "",
  autocomplete,
  numeric = false,
}: Field): Html => html`
  <label for="${name}">${label}</label>
  ${hint === undefined ? "" : html`<p class="hint" id="${name}-hint">${hint}</p>`}
  <input
    id="${name}"
    name="${name}"
    type="${type}"
    value="${value}"
    autocomplete="${autocomplete}"
    autocapitalize="none"
    spellcheck="false"
    required
    maxlength="200"
    ${numeric ? html`inputmode="numeric" pattern="[0-9]{4,8}"` : ""}
    ${hint === undefined ? "" : html`aria-describedby="${name}-hint"`}
  />
`;

const text = (value: unknown): string => (typeof value === "string" ? value.slice(0, 300) : "");
