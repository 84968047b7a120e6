// What the compiler has to refuse in a login. Nothing runs this: it does not compile once a mistake is let through, and the last
// three, which are right, have to pass.

import type { Client } from "openapi-fetch";
import type { paths } from "./generated/relais.js";

const email = "ada@example.org";
const password = "correct horse";
const code = "12345678";

export async function mistakes(api: Client<paths>): Promise<void> {
  // @ts-expect-error neither a password nor a code
  await api.POST("/login", { body: { email } });
  // @ts-expect-error no address
  await api.POST("/login", { body: { password } });
  // @ts-expect-error no such kind of program
  await api.POST("/login", { body: { email, password, client: "toaster" } });

  await api.POST("/login", { body: { email, password } });
  await api.POST("/login", { body: { email, code } });
  await api.POST("/login", { body: { email, password, code, client: "browser" } });
}
