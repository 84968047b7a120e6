// From nothing to the first message: register, log in, connect, hear what is sent to oneself.
//
//   RELAIS_SERVER=http://127.0.0.1:8080 ORIGIN=http://localhost:5173 npm start
//
// It logs in as a web page does, from an origin of its own, which the setting `http.allowed_origins` has to name. The types of
// requests and answers are generated from the OpenAPI document of the server; nothing else here knows its API.

import { jwtAuthenticator, wsconnect } from "@nats-io/nats-core";
import { createUser } from "@nats-io/nkeys";
import createClient from "openapi-fetch";
import type { paths } from "./generated/relais.js";

const server = process.env["RELAIS_SERVER"] ?? "http://127.0.0.1:8080";
const origin = process.env["ORIGIN"] ?? "http://localhost:5173";
const email = process.env["EMAIL"] ?? `${crypto.randomUUID()}@example.org`;
const password = process.env["PASSWORD"] ?? crypto.randomUUID();

// A browser writes the origin by itself.
const api = createClient<paths>({ baseUrl: server, headers: { Origin: origin } });

function failed(what: string, problem: { type: string; detail: string }): never {
  console.error(`${what}: ${problem.detail} (${problem.type})`);
  process.exit(1);
}

// What a browser asks before it lets a page of another origin send JSON.
const preflight = await fetch(`${server}/login`, {
  method: "OPTIONS",
  headers: { Origin: origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type" },
});
if (preflight.headers.get("access-control-allow-origin") !== origin) {
  console.error(`a page of ${origin} may not ask ${server}: name it in http.allowed_origins`);
  process.exit(1);
}

const registered = await api.POST("/register", { body: { email, password } });
if (registered.error) failed("not registered", registered.error);

// The device's key is made here, and its seed stays here.
const key = createUser();
const login = await api.POST("/login", {
  body: { email, password, client: "browser", public_key: key.getPublicKey() },
});
if (login.error) failed("not logged in", login.error);
const { user_id, jwt, websocket, inbox_prefix, access_token } = login.data;

const me = await api.GET("/me", { headers: { Authorization: `Bearer ${access_token}` } });
if (me.error) failed("not known", me.error);

const connection = await wsconnect({
  servers: websocket,
  authenticator: jwtAuthenticator(jwt, key.getSeed()),
  inboxPrefix: inbox_prefix,
});

// `PingRequest {string destination = 1, string origin = 2, string message = 3}`, in protobuf.
const text = new TextEncoder();
const field = (number: number, value: string): number[] => {
  const bytes = text.encode(value);
  return [(number << 3) | 2, bytes.length, ...bytes];
};
const message = "hello from TypeScript";
const heard = connection.subscribe(`to.${user_id}.>`, { max: 1, timeout: 10_000 });
await connection.flush();
connection.publish(`from.${user_id}.ping`, Uint8Array.from([...field(1, user_id), ...field(3, message)]));
for await (const first of heard) {
  const said = new TextDecoder().decode(first.data);
  console.log(`${me.data.email} heard on ${first.subject}: ${said.includes(message) ? message : said}`);
}
await connection.drain();
