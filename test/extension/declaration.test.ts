import assert from "node:assert/strict";
import { test } from "node:test";
import { looksLikeDeclaration } from "../../extension/declaration.ts";

const yes = [
  "export function median(values: number[]): number {",
  "async function* walk(root) {",
  "const add = (a: number, b: number): number => a + b;",
  "export const handler = async request => {",
  "  private readonly total(): number {",
  "  constructor(private readonly x: number) {",
  "class Queue<T> {",
  "def area(self, width: float) -> float:",
  "    async def fetch(url):",
  "func (s *Server) Serve(ctx context.Context) error {",
  "pub fn parse<'a>(text: &'a str) -> Option<Node> {",
  "impl<T> Stack<T> {",
  "public static void main(String[] args) {",
  "int main(int argc, char **argv) {",
  "interface Shape {",
];
const no = [
  "",
  "  return add(1, 2);",
  "  if (values.length === 0) {",
  "  for (const it of values) {",
  "  } else if (done) {",
  "// function in words",
  "const total = 1;",
  "  items.push(item);",
  'import { test } from "node:test";',
];

for (const line of yes) test(`declares: ${line}`, () => assert.equal(looksLikeDeclaration(line), true));
for (const line of no) test(`does not: ${line}`, () => assert.equal(looksLikeDeclaration(line), false));
test("a line of hostile length is not looked at", () =>
  assert.equal(looksLikeDeclaration(`function ${"a(".repeat(50_000)}`), false));
