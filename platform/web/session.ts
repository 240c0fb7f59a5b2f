import type { Context, MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { SESSION_DAYS, type Accounts, type Person, type Role } from "./accounts.ts";
import { languageOf, type Language } from "./language.ts";

/** The variables of a request whose person is known. */
export interface SessionEnv {
  Variables: { person: Person };
}

/**
 * The cookie that says who asks. Browsers share cookies between the ports of a host, so each program on a host has
 * a name of its own ("fieldwatt-gateway", "fieldwatt-hub").
 */
export interface Sessions {
  personOf(c: Context): Person | undefined;
  start(c: Context, person: Person): void;
  end(c: Context): void;
  /**
   * Lets a signed-in person through (with `role`: only one of that role) and puts them into `c.var.person`.
   * Else: below /api/ 401 or 403 with a JSON body; on a page the sign-in, or 403.
   */
  require(role?: Role): MiddlewareHandler<SessionEnv>;
}

export function openSessions(accounts: Accounts, cookieName: string): Sessions {
  const tokenOf = (c: Context) => getCookie(c, cookieName);
  const personOf = (c: Context) => {
    const token = tokenOf(c);
    return token === undefined ? undefined : accounts.session(token);
  };
  return {
    personOf,
    start(c, person) {
      const old = tokenOf(c);
      if (old !== undefined) accounts.closeSession(old);
      setCookie(c, cookieName, accounts.openSession(person.id), {
        httpOnly: true,
        sameSite: "Strict",
        path: "/",
        maxAge: SESSION_DAYS * 24 * 3600,
        secure: new URL(c.req.url).protocol === "https:" || c.req.header("x-forwarded-proto") === "https",
      });
    },
    end(c) {
      const token = tokenOf(c);
      if (token !== undefined) accounts.closeSession(token);
      deleteCookie(c, cookieName, { path: "/" });
    },
    require: (role) => async (c, next) => {
      const person = personOf(c);
      if (person && (role === undefined || person.role === role)) {
        c.set("person", person);
        return next();
      }
      const refusal = `This is for ${role ?? "member"}s.`;
      if (c.req.path.startsWith("/api/"))
        return person ? c.json({ error: refusal }, 403) : c.json({ error: "Sign in first." }, 401);
      return person ? c.text(refusal, 403) : c.redirect("/sign-in", 303);
    },
  };
}

/** The language that the person chose, else one that the browser asks for. */
export const languageFor = (c: Context, person?: Person): Language =>
  person?.language ?? languageOf(c.req.header("accept-language"));
