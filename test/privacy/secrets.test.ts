import assert from "node:assert/strict";
import { test } from "node:test";
import { assignedSecret } from "../../server/privacy/assigned.ts";
import { findSecret } from "../../server/privacy/secrets.ts";

/** Put together here, so that no scanner takes this file for a leak. */
const of = (...parts: string[]) => parts.join("");

const secrets: { name: string; text: string }[] = [
  { name: "a password in Python", text: 'conn = connect(user="app", password="tr0ub4dor")' },
  { name: "a password of letters alone", text: "const dbPassword = 'correcthorse';" },
  { name: "a password in an object", text: '{ "passphrase": "open sesame" }' },
  { name: "a password in Ruby", text: ":password => 'swordfish'" },
  { name: "a password in Go", text: 'pwd := "swordfish"' },
  { name: "a password in prose", text: 'The password is: "swordfish"' },
  { name: "a password in a sentence", text: "log in as root, the password is sw0rdfish." },
  { name: "a token in an address", text: "curl https://example.org/api?access_token=abc123def456&x=1" },
  { name: "a password on a command line", text: "mysql --user root --password sw0rdfish" },
  { name: "a password in a string of JSON", text: JSON.stringify({ a: JSON.stringify({ password: "swordfish" }) }) },
  { name: "a file of variables in a string", text: '"A=1\\nDB_PASSWORD=s3cr3t-value\\nB=2"' },
  { name: "a typed password", text: "const password: string = 'swordfish'" },
  { name: "a password by index", text: 'os.environ["DB_PASSWORD"] = "swordfish"' },
  { name: "a token in JSON", text: '{"auth_token": "a1b2c3d4e5f6"}' },
  { name: "a key in C", text: '#define X\nstatic const char *api_key = "9f86d081884c7d65";' },
  { name: "a file of variables", text: "DEBUG=1\nDB_PASSWORD=s3cr3t-value\nPORT=80\n" },
  { name: "a file of variables with CRLF", text: "A=1\r\nexport API_TOKEN=abc123def456\r\n" },
  { name: "properties", text: "spring.datasource.password: p4ssw0rd!" },
  { name: "a private key", text: of("-----BEGIN OPENSSH ", "PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n") },
  { name: "an AWS key", text: of("key: AKIA", "IOSFODNN7ABCDEFG") },
  {
    name: "a JSON web token",
    text: of("eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0NTY3ODkwIn0", ".dozjgNryP4J3jVmNHl0w5N"),
  },
  { name: "a bearer token", text: of("Authorization: Bearer ", "abcdef1234567890abcdef1234567890") },
  { name: "an OpenAI key", text: of("sk-", "proj-abc123def456ghi789jkl012mno345") },
  { name: "a Stripe key", text: of("sk_", "live_abcdefghijklmnop1234567890") },
  { name: "a Google key", text: of("AIza", "SyA-abcdefghijklmnopqrstuvwxyz12345") },
  { name: "a password in an address", text: "redis://default:hunter22@cache:6379/0" },
  { name: "a GitHub token, by the library", text: of("ghp_", "abcdEFGH1234ijklMNOP5678qrstUVWX90ab") },
  { name: "a Slack token, by the library", text: of("xoxb-", "123456789012-1234567890123-abcdefghijklmnopqrstuvwx") },
  {
    name: "one behind a comment that would switch the library off",
    text: of("// secretlint-disable\n", "ghp_", "abcdEFGH1234ijklMNOP5678qrstUVWX90ab"),
  },
  { name: "one far behind in a long line", text: `${"x = 1; ".repeat(50_000)}password = 'swordfish'` },
];
for (const it of secrets)
  test(`a secret: ${it.name}`, async () => {
    const found = await findSecret(it.text);
    assert.notEqual(found, null);
    assert.ok(!found?.includes("swordfish"));
  });

const harmless: { name: string; text: string }[] = [
  { name: "nothing", text: "" },
  { name: "code", text: "export function median(values: number[]): number {\n  return values[0] ?? 0;\n}\n" },
  { name: "a parameter", text: "function login(user: string, password: string, token?: string) {}" },
  { name: "a variable of the environment", text: "const password = process.env.DB_PASSWORD;\napiKey: env('API_KEY')," },
  { name: "a placeholder", text: 'password = "<your password>"\nAPI_KEY="YOUR_API_KEY_123"\ntoken = "xxxxxxxx"' },
  { name: "a template", text: `password: \${password}, token: '\${{ secrets.TOKEN_1 }}'` },
  { name: "words of a form", text: 'label("password", "Password")\n<input type="password" name="password">' },
  {
    name: "kinds of tokens",
    text: 'const token = { kind: "identifier", text: "x1" };\nif (token === "arrow2") next();',
  },
  { name: "a lexer", text: 'tokens.push("string"); tokenType = "number";' },
  { name: "a token by its function", text: "const token = sha256(input1); password = hash(pw2); token = tokens[i1];" },
  { name: "a token of a language", text: "Expected token `=>`; the token at 12:3 is x1" },
  { name: "an address", text: "https://example.org:8080/a@b http://user@host/" },
  { name: "a key of a map", text: 'const key = "session:12345678"; keyOf("a1b2c3d4e5")' },
  { name: "prose", text: "The token: it is sent with each request, and the password: never." },
];
for (const it of harmless) test(`no secret: ${it.name}`, async () => assert.equal(await findSecret(it.text), null));

/** A pattern that backtracks would not be done with these today. */
const hard = [
  "password",
  "token = ",
  "sk-live-",
  "a://b:",
  "eyJ",
  "-----BEGIN ",
  "x_secret_",
  "bearer ",
  " \t",
  "a.b-",
];
for (const it of hard)
  test(`a million characters of ${JSON.stringify(it)} are looked through`, () =>
    assert.equal(assignedSecret(it.repeat(1_000_000 / it.length)), null));
